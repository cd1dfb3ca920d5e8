"""What people and systems are told of a run's end, on the ``notifications`` topic."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from shared.contracts.envelope import Value
from shared.contracts.images import (
    ImageDeleted,
    ImageFailed,
    ImageReleased,
    ImageStored,
    Label,
    Moderation,
    Rendition,
    Source,
    Verdict,
)
from shared.errors import Fault


class Outcome(StrEnum):
    """How it ended, in the subscriber's words."""

    COMPLETED = "completed"
    FAILED = "failed"
    RELEASED = "released"
    """It had completed before, and its renditions were withheld until now."""
    DELETED = "deleted"


STATUS: dict[type[Verdict], Outcome] = {
    ImageStored: Outcome.COMPLETED,
    ImageFailed: Outcome.FAILED,
    ImageReleased: Outcome.RELEASED,
    ImageDeleted: Outcome.DELETED,
}
"""The verdicts that are told at all; the others are our own housekeeping."""


class Failure(Value):
    """Where and why it failed, and who can mend it."""

    stage: str
    reason: str
    detail: str
    fault: Fault


class Notification(Value):
    """One run's end. Told twice, it has the same ``id`` both times, so a subscriber can tell."""

    version: str = "1"
    id: str
    image: str
    run: int
    time: datetime
    """When the run ended; of two notifications about one image, the later run is the truth."""
    status: Outcome
    source: Source
    owner: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    withheld: bool = False
    """Quarantine keeps the renditions until an operator releases them, which is told again."""
    renditions: tuple[Rendition, ...] = ()
    labels: tuple[Label, ...] | None = None
    faces: int | None = None
    text: tuple[str, ...] | None = None
    moderation: Moderation | None = None
    failure: Failure | None = None

    @classmethod
    def of(cls, verdict: Verdict, identity: str) -> Self:
        """What there is to tell of this verdict, under the verdict's own id."""
        told = verdict.model_dump(exclude={"ended"})
        if isinstance(verdict, ImageFailed):
            told["failure"] = {name: told.pop(name) for name in Failure.model_fields}
        told |= {"id": identity, "time": verdict.ended, "status": STATUS[type(verdict)]}
        return cls.model_validate(told)
