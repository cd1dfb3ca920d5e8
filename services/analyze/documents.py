"""Analysis documents: stored under their run, and copied to later runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from services.analyze.logic import Detection
from shared.contracts.analysis import Analysis
from shared.contracts.envelope import Value
from shared.contracts.images import ImageEvent, PreviousVersion
from shared.errors import Throttled, TransientError
from shared.objects import Objects, Stored, delete_all
from shared.telemetry import log

JSON = "application/json"
MAX_WRITES = 5
"""Conditional writes that may fail before the message is retried later."""

V = TypeVar("V", bound=Value)


def prefix(image: str, run: int) -> str:
    """The prefix of all objects of this run, and of nothing else."""
    return f"analyses/{image}/{run}/"


def own_key(event: ImageEvent) -> str:
    """The key of the run's own analysis."""
    return f"{prefix(event.image, event.run)}analysis.json"


def read(kind: type[V], stored: Stored | None) -> V | None:
    """The object as this type; None if it is missing or invalid."""
    try:
        return kind.model_validate_json(stored.body) if stored else None
    except ValidationError:
        return None


def only(document: Analysis, detections: Iterable[Detection]) -> Analysis:
    """The document without other detections than these."""
    names = {str(detection) for detection in detections}
    names |= {"max_labels"} if Detection.LABELS in names else set()
    parts = ("answers", "models", "thresholds")
    return document.model_copy(
        update={
            part: {name: value for name, value in getattr(document, part).items() if name in names}
            for part in parts
        }
    )


def merged(ours: Analysis, theirs: Analysis | None) -> Analysis:
    """The documents of two workers of one run. Answers that were stored first win."""
    if theirs and theirs.answers.keys() >= ours.answers.keys():
        return theirs
    if theirs is None or ours.reused_from:
        return ours
    return ours.model_copy(
        update={
            "answers": {**ours.answers, **theirs.answers},
            "models": {**ours.models, **theirs.models},
            "thresholds": {**ours.thresholds, **theirs.thresholds},
        }
    )


@dataclass(frozen=True)
class Documents:
    """The documents of all runs."""

    processed: Objects

    def find(self, event: ImageEvent) -> Stored | None:
        return self.processed.find(own_key(event))

    def put(self, document: Analysis, event: ImageEvent, before: Stored | None) -> Analysis:
        """Replace ``before``; the document as stored, merged with a concurrent worker's answers.

        Throttling counts as an attempt here, because the answers were paid for.
        """
        try:
            for _ in range(MAX_WRITES):
                body = document.model_dump_json().encode()
                if self.processed.replace(own_key(event), before, body, JSON):
                    return document
                before = self.find(event)
                document = merged(document, read(Analysis, before))
        except Throttled as error:
            raise TransientError(error.reason, error.detail) from error
        raise TransientError("contended", f"the analysis changed {MAX_WRITES} times meanwhile")

    def copy_versions(
        self, event: ImageEvent, from_run: int, detections: Iterable[Detection]
    ) -> tuple[PreviousVersion, ...]:
        """Copy all versions of run ``from_run``, with only these detections. Idempotent."""
        included = frozenset(detections)
        versions = []
        for key in list(self.processed.keys(prefix(event.image, from_run))):
            document = read(Analysis, self.processed.find(key))
            if document is None:
                log.warning("unreadable analysis not copied", extra={"key": key})
                continue
            copy = f"{prefix(event.image, event.run)}versions/{document.run}.json"
            self.processed.put(copy, only(document, included).model_dump_json().encode(), JSON)
            versions.append(PreviousVersion(run=document.run, document=copy))
        return tuple(sorted(versions, key=lambda version: version.run))

    def compensate(self, event: ImageEvent) -> None:
        delete_all(self.processed, prefix(event.image, event.run))

    def purge(self, event: ImageEvent) -> None:
        delete_all(self.processed, f"analyses/{event.image}/")
