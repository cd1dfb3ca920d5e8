"""What ``analyze`` does once the renditions exist, and its compensation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from services.analyze.documents import Documents, only, own_key, read
from services.analyze.logic import (
    OF_PEOPLE,
    AnalysisRequest,
    Answer,
    Detection,
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
    FocalPoint,
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
from shared.telemetry import with_context

Answers = dict[str, Answer]


@dataclass(frozen=True)
class Steps:
    """Creates analyses, each paid for once, and compensates them."""

    documents: Documents
    reuse: Reuse
    analyzers: Mapping[str, Recognizer]
    request: AnalysisRequest
    """The default; a run may name another analyzer."""
    pool: Callable[[int], Executor] = ThreadPoolExecutor

    def analyze(self, event: ImageResized, context: StepContext) -> Iterator[Event]:
        """Request the missing detections, store the answers and publish ``image.analyzed``."""
        request = self._request(event)
        previous_versions = self._copy_previous_versions(event)
        document = self._document(event, request, context)
        telemetry.expect_effects(0 if document.reused_from else len(document.answers))
        yield _analyzed(event, document, previous_versions)

    def compensate(self, event: ImageEvent) -> None:
        """Delete the run's analysis and its entries in the reuse index."""
        self.reuse.compensate(event)
        self.documents.compensate(event)

    def purge(self, event: ImageDeleted) -> None:
        """Delete the analyses of every run and their entries in the reuse index."""
        self.reuse.purge(event)
        self.documents.purge(event)

    def _request(self, event: ImageResized) -> AnalysisRequest:
        named = event.reanalysis and event.reanalysis.analyzer
        request = replace(self.request, analyzer=named or self.request.analyzer)
        if request.analyzer not in self.analyzers:
            available = ", ".join(self.analyzers)
            raise PermanentError(
                "unknown-analyzer",
                f"There is no analyzer {request.analyzer!r}, only: {available}",
                fault=Fault.INTERNAL,
            )
        return request

    def _copy_previous_versions(self, event: ImageResized) -> tuple[PreviousVersion, ...]:
        if event.reanalysis is None:
            return ()
        detections = set(Detection) - OF_PEOPLE | set(self.request.detect)
        return self.documents.copy_versions(event, event.reanalysis.of, detections)

    def _document(
        self, event: ImageResized, request: AnalysisRequest, context: StepContext
    ) -> Analysis:
        """All requested answers: stored by an earlier attempt, reused, or paid for now."""
        before = self.documents.find(event)
        stored = read(Analysis, before)
        started = _partial_analysis(stored, request)
        if started is None and (source := self._reusable(event, request)):
            return self._reuse(event, source, before)
        document = started or _new_analysis(event, request, context.at)
        if _missing(document, request):
            context.ensure_lease()
            dated = document.model_copy(update={"analyzed_at": context.at})
            return self._complete(event, request, dated, before)
        return document if document == stored else self.documents.put(document, event, before)

    def _reusable(self, event: ImageResized, request: AnalysisRequest) -> Analysis | None:
        """A re-analysis never reuses answers."""
        return None if event.reanalysis else self.reuse.find(event, request)

    def _reuse(self, event: ImageResized, source: Analysis, before: Stored | None) -> Analysis:
        document = self.documents.put(copied(source, event), event, before)
        if source.image == event.image:  # its run will be superseded, and its document deleted
            self.reuse.add_entry(event, document)
        return document

    def _complete(
        self,
        event: ImageResized,
        request: AnalysisRequest,
        document: Analysis,
        before: Stored | None,
    ) -> Analysis:
        """The document with its missing answers. Paid answers are stored even if a call fails."""
        answers, failures = self._ask(_missing(document, request), event.analysis.key, request)
        if answers:
            document = self.documents.put(_add_answers(document, answers, request), event, before)
        if failures:
            raise min(failures, key=lambda error: not isinstance(error, PermanentError))
        self.reuse.remember_models(document)
        self.reuse.add_entry(event, document)
        return document

    def _ask(
        self, detections: Sequence[Detection], picture: str, request: AnalysisRequest
    ) -> tuple[Answers, list[BaseException]]:
        """In parallel, so they take as long as the slowest call."""
        recognizer = self.analyzers[request.analyzer]
        answers: Answers = {}
        failures: list[BaseException] = []
        with self.pool(len(Detection)) as pool:
            calls = {
                detection: pool.submit(
                    with_context(_paid), recognizer, detection, picture, request.thresholds
                )
                for detection in detections
            }
        for detection, call in calls.items():
            if error := call.exception():
                failures.append(error)
            else:
                answers[detection] = call.result()
        return answers, failures


def _paid(
    recognizer: Recognizer, detection: Detection, picture: str, thresholds: Thresholds
) -> Answer:
    """Request one detection and count it at once: after a crash it may be paid again."""
    answer = recognizer.ask(detection, picture, thresholds)
    telemetry.count("detection paid", EFFECTS, detection=detection)
    return answer


def _partial_analysis(stored: Analysis | None, request: AnalysisRequest) -> Analysis | None:
    """What an earlier attempt of this run has stored, without unrequested detections."""
    if stored is None or stored.analyzer != request.analyzer:
        return None
    return only(stored, request.detect)


def _new_analysis(event: ImageResized, request: AnalysisRequest, at: datetime) -> Analysis:
    return Analysis(
        image=event.image,
        run=event.run,
        owner=event.owner,
        source=event.source,
        picture=event.analysis,
        analyzer=request.analyzer,
        models={},
        thresholds=request.applied_thresholds,
        analyzed_at=at,
        answers={},
    )


def _missing(document: Analysis, request: AnalysisRequest) -> list[Detection]:
    return [detection for detection in request.detect if detection not in document.answers]


def _add_answers(document: Analysis, answers: Answers, request: AnalysisRequest) -> Analysis:
    added = [detection for detection in request.detect if detection in answers]
    return document.model_copy(
        update={
            "answers": {**document.answers, **answers},
            "models": {**document.models, **models_of(answers)},
            "thresholds": {**document.thresholds, **request.thresholds.for_detections(added)},
        }
    )


def _analyzed(
    event: ImageResized, document: Analysis, previous_versions: tuple[PreviousVersion, ...]
) -> ImageAnalyzed:
    summary = summarize(document.answers, Thresholds.read(document.thresholds))
    return ImageAnalyzed(
        image=event.image,
        run=event.run,
        source=event.source,
        owner=event.owner,
        document=own_key(event),
        labels=None
        if summary.labels is None
        else tuple(Label(name=name, confidence=confidence) for name, confidence in summary.labels),
        faces=summary.faces,
        largest_face=None
        if summary.largest_face is None
        else FocalPoint(x=summary.largest_face[0], y=summary.largest_face[1]),
        text=summary.text,
        moderation=None
        if summary.flagged is None
        else Moderation(flagged=bool(summary.flagged), names=summary.flagged),
        embedding=None
        if summary.embedding is None
        else Embedding(model=document.models[Detection.EMBEDDING], vector=summary.embedding),
        analyzer=document.analyzer,
        models=document.models,
        thresholds=document.thresholds,
        analyzed_at=document.analyzed_at,
        reused_from=document.reused_from,
        previous_versions=previous_versions,
    )
