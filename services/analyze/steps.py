"""What ``analyze`` asks once the renditions exist, and how it forgets the answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from services.analyze.documents import Documents, only, own_key, read
from services.analyze.logic import (
    OF_PEOPLE,
    Answer,
    Detection,
    Question,
    Thresholds,
    models_of,
    summarize,
)
from services.analyze.rekognition import Recognizer
from services.analyze.reuse import Reuse, copied
from shared import telemetry
from shared.contracts.analysis import Analysis
from shared.contracts.envelope import Event
from shared.contracts.images import (
    Embedding,
    ImageAnalyzed,
    ImageDeleted,
    ImageEvent,
    ImageResized,
    Label,
    Moderation,
    PreviousVersion,
)
from shared.delivery import StepContext
from shared.errors import Fault, PermanentError
from shared.metrics import EFFECTS
from shared.objects import Stored
from shared.telemetry import carried

Answers = dict[str, Answer]


@dataclass(frozen=True)
class Steps:
    """Analyses: bought once, kept, and thrown away with their run."""

    documents: Documents
    reuse: Reuse
    analyzers: Mapping[str, Recognizer]
    question: Question
    """What is asked unless a run asks for another analyzer."""
    pool: Callable[[int], Executor] = ThreadPoolExecutor

    def analyze(self, event: ImageResized, context: StepContext) -> Iterator[Event]:
        """Ask what was not asked before, keep the answers, and say what matters of them."""
        question = self._question(event)
        previous_versions = self._taken_over(event)
        document = self._document(event, question, context)
        telemetry.expect_effects(0 if document.reused_from else len(document.answers))
        yield _said(event, document, previous_versions)

    def compensate(self, event: ImageEvent) -> None:
        """Throw away the run's answers, and what points at them."""
        self.reuse.compensate(event)
        self.documents.compensate(event)

    def purge(self, event: ImageDeleted) -> None:
        """Throw away the answers of every run, and what points at them."""
        self.reuse.purge(event)
        self.documents.purge(event)

    def _question(self, event: ImageResized) -> Question:
        named = event.reanalysis and event.reanalysis.analyzer
        question = replace(self.question, analyzer=named or self.question.analyzer)
        if question.analyzer not in self.analyzers:
            known = ", ".join(self.analyzers)
            raise PermanentError(
                "unknown-analyzer",
                f"There is no analyzer {question.analyzer!r}, but: {known}",
                fault=Fault.INTERNAL,
            )
        return question

    def _taken_over(self, event: ImageResized) -> tuple[PreviousVersion, ...]:
        if event.reanalysis is None:
            return ()
        asked = set(Detection) - OF_PEOPLE | set(self.question.detect)
        return self.documents.take_over(event, event.reanalysis.of, asked)

    def _document(self, event: ImageResized, question: Question, context: StepContext) -> Analysis:
        """Every answer wanted: kept before, reused from another run, or paid for now."""
        before = self.documents.find(event)
        kept = read(Analysis, before)
        begun = _begun(kept, question)
        if begun is None and (found := self._reusable(event, question)):
            return self._reused(event, found, before)
        document = begun or _blank(event, question, context.at)
        if _missing(document, question):
            context.ensure_lease()
            asked = document.model_copy(update={"analyzed_at": context.at})
            return self._bought(event, question, asked, before)
        return document if document == kept else self.documents.keep(document, event, before)

    def _reusable(self, event: ImageResized, question: Question) -> Analysis | None:
        """Who asks for a re-analysis wants it asked anew."""
        return None if event.reanalysis else self.reuse.find(event, question)

    def _reused(self, event: ImageResized, found: Analysis, before: Stored | None) -> Analysis:
        document = self.documents.keep(copied(found, event), event, before)
        if found.image == event.image:  # that run is about to give way, and its document with it
            self.reuse.point(event, document)
        return document

    def _bought(
        self, event: ImageResized, question: Question, document: Analysis, before: Stored | None
    ) -> Analysis:
        """The document with what it lacks. What was paid for is kept, also if a call beside it
        fails.
        """
        found, failures = self._ask(_missing(document, question), event.analysis.key, question)
        if found:
            document = self.documents.keep(_with(document, found, question), event, before)
        if failures:
            raise min(failures, key=lambda error: not isinstance(error, PermanentError))
        self.reuse.learn(document)
        self.reuse.point(event, document)
        return document

    def _ask(
        self, detections: Sequence[Detection], picture: str, question: Question
    ) -> tuple[Answers, list[BaseException]]:
        """Side by side: the slowest call is as long as all of them take."""
        recognizer = self.analyzers[question.analyzer]
        answers: Answers = {}
        failures: list[BaseException] = []
        with self.pool(len(Detection)) as pool:
            asked = {
                one: pool.submit(carried(_paid), recognizer, one, picture, question.thresholds)
                for one in detections
            }
        for detection, answer in asked.items():
            if error := answer.exception():
                failures.append(error)
            else:
                answers[detection] = answer.result()
        return answers, failures


def _paid(
    recognizer: Recognizer, detection: Detection, picture: str, thresholds: Thresholds
) -> Answer:
    """An answer, and told at once that it was paid for: who dies before it is kept pays again."""
    answer = recognizer.ask(detection, picture, thresholds)
    telemetry.count("paid for a detection", EFFECTS, detection=detection)
    return answer


def _begun(kept: Analysis | None, question: Question) -> Analysis | None:
    """What an earlier try of this run has kept, as far as it is still asked for."""
    if kept is None or kept.analyzer != question.analyzer:
        return None
    return only(kept, question.detect)


def _blank(event: ImageResized, question: Question, at: datetime) -> Analysis:
    return Analysis(
        image=event.image,
        run=event.run,
        owner=event.owner,
        source=event.source,
        picture=event.analysis,
        analyzer=question.analyzer,
        models={},
        thresholds=question.told,
        analyzed_at=at,
        answers={},
    )


def _missing(document: Analysis, question: Question) -> list[Detection]:
    return [detection for detection in question.detect if detection not in document.answers]


def _with(document: Analysis, found: Answers, question: Question) -> Analysis:
    asked = [detection for detection in question.detect if detection in found]
    return document.model_copy(
        update={
            "answers": {**document.answers, **found},
            "models": {**document.models, **models_of(found)},
            "thresholds": {**document.thresholds, **question.thresholds.told(asked)},
        }
    )


def _said(
    event: ImageResized, document: Analysis, previous_versions: tuple[PreviousVersion, ...]
) -> ImageAnalyzed:
    found = summarize(document.answers, Thresholds.read(document.thresholds))
    return ImageAnalyzed(
        image=event.image,
        run=event.run,
        source=event.source,
        owner=event.owner,
        document=own_key(event),
        labels=None
        if found.labels is None
        else tuple(Label(name=name, confidence=sure) for name, sure in found.labels),
        faces=found.faces,
        text=found.text,
        moderation=None
        if found.flagged is None
        else Moderation(flagged=bool(found.flagged), names=found.flagged),
        embedding=None
        if found.embedding is None
        else Embedding(model=document.models[Detection.EMBEDDING], vector=found.embedding),
        analyzer=document.analyzer,
        models=document.models,
        thresholds=document.thresholds,
        analyzed_at=document.analyzed_at,
        reused_from=document.reused_from,
        previous_versions=previous_versions,
    )
