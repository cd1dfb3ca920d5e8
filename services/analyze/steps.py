"""What ``analyze`` asks once the renditions exist, and how it forgets the answers."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from services.analyze.logic import Answer, Detection, Thresholds, summarize
from services.analyze.rekognition import Recognizer
from shared.consumer import Turn
from shared.contracts.envelope import Event
from shared.contracts.images import (
    ImageAnalyzed,
    ImageDeleted,
    ImageEvent,
    ImageResized,
    Label,
    Moderation,
)
from shared.errors import PermanentError, Throttled, TransientError
from shared.objects import Objects, Stored, delete_all

ANALYZER = "rekognition"

TRIES = 5
"""Writes that may lose to another worker's before the message waits its turn."""

Answers = dict[Detection, Answer]


def prefix(event: ImageEvent) -> str:
    """Where everything stands that was made for this run, and nothing else does."""
    return f"analyses/{event.image}/{event.run}/"


@dataclass(frozen=True)
class Steps:
    """Analyses: bought once, kept, and thrown away with their run."""

    processed: Objects
    recognizer: Recognizer
    detect: Sequence[Detection]
    thresholds: Thresholds
    pool: Callable[[int], Executor] = ThreadPoolExecutor

    def analyze(self, event: ImageResized, turn: Turn) -> Iterator[Event]:
        """Ask what was not asked before, keep the answers, and say what matters of them."""
        key = f"{prefix(event)}analysis.json"
        answers = self._answers(event, key, turn)
        found = summarize(answers, self.thresholds)
        yield ImageAnalyzed(
            image=event.image,
            run=event.run,
            source=event.source,
            owner=event.owner,
            document=key,
            labels=None
            if found.labels is None
            else tuple(Label(name=name, confidence=sure) for name, sure in found.labels),
            faces=found.faces,
            text=found.text,
            moderation=None
            if found.flagged is None
            else Moderation(flagged=bool(found.flagged), names=found.flagged),
            analyzer=ANALYZER,
            models=dict(found.models),
            thresholds=self.thresholds.as_dict(),
        )

    def forget(self, event: ImageEvent) -> None:
        """Throw away the run's answers."""
        delete_all(self.processed, prefix(event))

    def forget_all(self, event: ImageDeleted) -> None:
        """Throw away the answers of every run."""
        delete_all(self.processed, f"analyses/{event.image}/")

    def _answers(self, event: ImageResized, key: str, turn: Turn) -> Answers:
        """Every answer wanted. What was paid for is kept, also if a call beside it fails."""
        before = self.processed.find(key)
        answers = kept_in(before)
        missing = [detection for detection in self.detect if detection not in answers]
        if before and not missing:
            return answers
        turn.confirm()
        found, failures = self._ask(missing, event.analysis.key)
        if found or not failures:
            answers = self._keep(event, key, answers | found, before)
        if failures:
            raise min(failures, key=lambda error: not isinstance(error, PermanentError))
        return answers

    def _ask(
        self, detections: Sequence[Detection], picture: str
    ) -> tuple[Answers, list[BaseException]]:
        """Side by side: the slowest call is as long as all of them take."""
        answers: Answers = {}
        failures: list[BaseException] = []
        with self.pool(len(Detection)) as pool:
            asked = {
                one: pool.submit(self.recognizer.ask, one, picture, self.thresholds)
                for one in detections
            }
        for detection, answer in asked.items():
            if error := answer.exception():
                failures.append(error)
            else:
                answers[detection] = answer.result()
        return answers, failures

    def _keep(
        self, event: ImageResized, key: str, answers: Answers, before: Stored | None
    ) -> Answers:
        """Keep these answers, and those that another worker has kept meanwhile; all of them.

        What was paid for and cannot be kept is a try, throttled or not: it cost money.
        """
        try:
            for _ in range(TRIES):
                document = self._document(event, answers)
                if self.processed.replace(key, before, document, "application/json"):
                    return answers
                before = self.processed.find(key)
                answers = answers | kept_in(before)
        except Throttled as error:
            raise TransientError(error.reason, error.detail) from error
        raise TransientError("contended", f"the analysis changed {TRIES} times meanwhile")

    def _document(self, event: ImageResized, answers: Answers) -> bytes:
        document = {
            "image": event.image,
            "run": event.run,
            "analyzer": ANALYZER,
            "thresholds": self.thresholds.as_dict(),
            "picture": event.analysis.model_dump(),
            "answers": answers,
        }
        return json.dumps(document).encode()


def kept_in(document: Stored | None) -> Answers:
    """The answers that were kept so far."""
    answers = json.loads(document.body)["answers"] if document else {}
    return {Detection(name): answer for name, answer in answers.items()}
