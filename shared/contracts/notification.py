"""What people and systems are told of a run's end, on the ``notifications`` topic."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from shared.contracts.envelope import Value
from shared.contracts.images import (
    Decision,
    ImageCompleted,
    ImageDeleted,
    ImageFailed,
    ImageReleased,
    Label,
    Moderation,
    Rendition,
    Source,
)
from shared.errors import Fault


class NotificationStatus(StrEnum):
    """How it ended, in the subscriber's words."""

    COMPLETED = "completed"
    FAILED = "failed"
    RELEASED = "released"
    """It had completed before, and its renditions were quarantined until now."""
    DELETED = "deleted"


STATUS: dict[type[Decision], NotificationStatus] = {
    ImageCompleted: NotificationStatus.COMPLETED,
    ImageFailed: NotificationStatus.FAILED,
    ImageReleased: NotificationStatus.RELEASED,
    ImageDeleted: NotificationStatus.DELETED,
}
"""The outcomes that are told at all; the others are our own housekeeping."""


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
    status: NotificationStatus
    source: Source
    owner: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    quarantined: bool = False
    """Quarantine keeps the renditions until an operator releases them, which is told again."""
    renditions: tuple[Rendition, ...] = ()
    labels: tuple[Label, ...] | None = None
    faces: int | None = None
    text: tuple[str, ...] | None = None
    moderation: Moderation | None = None
    failure: Failure | None = None

    @classmethod
    def of(cls, decision: Decision, identity: str) -> Self:
        """What there is to tell of this decision, under the verdict's own id."""
        told = decision.model_dump(exclude={"decided_at"})
        if isinstance(decision, ImageFailed):
            told["failure"] = {name: told.pop(name) for name in Failure.model_fields}
        told |= {"id": identity, "time": decision.decided_at, "status": STATUS[type(decision)]}
        return cls.model_validate(told)
