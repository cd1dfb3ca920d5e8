"""The message on the ``notifications`` topic: the outcome of a run, for people and systems."""

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
    PictureDetails,
    Placeholder,
    Rendition,
    Source,
)
from shared.errors import Fault


class NotificationStatus(StrEnum):
    """The status that a notification reports."""

    COMPLETED = "completed"
    FAILED = "failed"
    RELEASED = "released"
    """It had completed before, and was quarantined until now."""
    DELETED = "deleted"


STATUS: dict[type[Decision], NotificationStatus] = {
    ImageCompleted: NotificationStatus.COMPLETED,
    ImageFailed: NotificationStatus.FAILED,
    ImageReleased: NotificationStatus.RELEASED,
    ImageDeleted: NotificationStatus.DELETED,
}
"""The decisions that are notified; replays and superseded runs are not."""


class Failure(Value):
    """Where and why the run failed, and who can fix it."""

    stage: str
    reason: str
    detail: str
    fault: Fault


class Notification(Value):
    """The outcome of one run. A duplicate has the same ``id``."""

    version: str = "1"
    id: str
    image: str
    run: int
    time: datetime
    """When the run ended. Of two notifications about one image, the later run's is current."""
    status: NotificationStatus
    source: Source
    owner: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    details: PictureDetails | None = None
    placeholder: Placeholder | None = None
    quarantined: bool = False
    """The renditions are left out until an operator releases them, which is notified as well."""
    renditions: tuple[Rendition, ...] = ()
    labels: tuple[Label, ...] | None = None
    faces: int | None = None
    text: tuple[str, ...] | None = None
    moderation: Moderation | None = None
    failure: Failure | None = None

    @classmethod
    def of(cls, decision: Decision, identity: str) -> Self:
        """The notification of this decision, under its id."""
        fields = decision.model_dump(exclude={"decided_at"})
        if isinstance(decision, ImageFailed):
            fields["failure"] = {name: fields.pop(name) for name in Failure.model_fields}
        fields |= {"id": identity, "time": decision.decided_at, "status": STATUS[type(decision)]}
        return cls.model_validate(fields)
