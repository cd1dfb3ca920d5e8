"""Analysis documents: kept under their run, and taken over by a later one."""

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
TRIES = 5
"""Writes that may lose to another worker's before the message waits its turn."""

V = TypeVar("V", bound=Value)


def prefix(image: str, run: int) -> str:
    """Where everything stands that was made for this run, and nothing else does."""
    return f"analyses/{image}/{run}/"


def own_key(event: ImageEvent) -> str:
    """Where the run's own analysis stands."""
    return f"{prefix(event.image, event.run)}analysis.json"


def read(kind: type[V], found: Stored | None) -> V | None:
    """What the object says; None if there is none, or if it says something else."""
    try:
        return kind.model_validate_json(found.body) if found else None
    except ValidationError:
        return None


def only(document: Analysis, detections: Iterable[Detection]) -> Analysis:
    """The document as if nothing but these had been asked."""
    told = {str(one) for one in detections}
    told |= {"max_labels"} if Detection.LABELS in told else set()
    parts = ("answers", "models", "thresholds")
    return document.model_copy(
        update={
            part: {name: said for name, said in getattr(document, part).items() if name in told}
            for part in parts
        }
    )


def merged(ours: Analysis, theirs: Analysis | None) -> Analysis:
    """What two workers of one run have kept. Theirs stood there first, so it counts."""
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

    def keep(self, document: Analysis, event: ImageEvent, before: Stored | None) -> Analysis:
        """Put it in the place of ``before``; what stands there then, with what another worker has
        kept meanwhile.

        What was paid for and cannot be kept is a try, throttled or not: it cost money.
        """
        try:
            for _ in range(TRIES):
                body = document.model_dump_json().encode()
                if self.processed.replace(own_key(event), before, body, JSON):
                    return document
                before = self.find(event)
                document = merged(document, read(Analysis, before))
        except Throttled as error:
            raise TransientError(error.reason, error.detail) from error
        raise TransientError("contended", f"the analysis changed {TRIES} times meanwhile")

    def take_over(
        self, event: ImageEvent, of: int, detections: Iterable[Detection]
    ) -> tuple[PreviousVersion, ...]:
        """Copy the versions that run ``of`` holds, its own among them; by the runs that asked.

        Answers to anything but these detections are left out. May be run any number of times.
        """
        wanted = frozenset(detections)
        taken = []
        for key in list(self.processed.keys(prefix(event.image, of))):
            document = read(Analysis, self.processed.find(key))
            if document is None:
                log.warning("an earlier analysis cannot be read: left behind", extra={"key": key})
                continue
            copy = f"{prefix(event.image, event.run)}versions/{document.run}.json"
            self.processed.put(copy, only(document, wanted).model_dump_json().encode(), JSON)
            taken.append(PreviousVersion(run=document.run, document=copy))
        return tuple(sorted(taken, key=lambda previous_versions: previous_versions.run))

    def compensate(self, event: ImageEvent) -> None:
        delete_all(self.processed, prefix(event.image, event.run))

    def purge(self, event: ImageEvent) -> None:
        delete_all(self.processed, f"analyses/{event.image}/")
