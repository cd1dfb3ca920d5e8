"""The record of an image: ``store`` writes it, and every service may read it."""

from datetime import datetime
from enum import StrEnum

from shared.contracts.cost import Cost
from shared.contracts.envelope import Value
from shared.contracts.images import (
    ImageAnalyzed,
    ImageResized,
    Reanalysis,
    Source,
    StepFailed,
)

FULL = 190_000
"""Bytes. DynamoDB's limit is 400 KB for an item, and one more run may need twice
``message.LARGEST_EVENT``.
"""


class RunStatus(StrEnum):
    """The status of a run. The first three are stored; the others are derived from the record."""

    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    """It completed, and a later run has replaced it."""
    DELETED = "deleted"
    """The image was deleted."""
    UNKNOWN = "unknown"
    """The record has no such run: no service may act for it."""


class Run(Value):
    """One processing of an image, from the original to its outcome."""

    status: RunStatus = RunStatus.OPEN
    started: datetime
    ended: datetime | None = None
    reanalysis: Reanalysis | None = None
    """None: everything is created anew, from the original."""
    resized: ImageResized | None = None
    analyzed: ImageAnalyzed | None = None
    failure: StepFailed | None = None
    quarantined: bool = False
    """Whether it was quarantined when it completed. A release does not change this."""
    cost: Cost | None = None
    """An estimate at the rates of the day on which it completed."""


class Release(Value):
    """An operator released the image from quarantine."""

    run: int
    """The run that was published at that time."""
    at: datetime


class Record(Value):
    """The state of one image. Every change is one write, conditional on ``revision``."""

    image: str
    run: int = 0
    """The current run; its status is the image's."""
    runs: dict[int, Run]
    published: int | None = None
    """The run whose renditions are shown."""
    superseded: tuple[int, ...] = ()
    """The runs that were published before, and that a later one replaced."""
    released: Release | None = None
    """It holds for later runs too, since all have the same original."""
    deleted: datetime | None = None
    """When the image was deleted. The record is then a tombstone, which outlives every queue and
    every claim.
    """
    source: Source
    owner: str | None = None
    revision: int = 0

    @property
    def current(self) -> Run:
        return self.runs[self.run]

    @property
    def full(self) -> bool:
        """Whether one more run might exceed DynamoDB's limit. JSON is larger than the item."""
        return len(self.model_dump_json(exclude_none=True).encode()) > FULL

    @property
    def quarantined(self) -> bool:
        """Whether the published run waits for an operator's release."""
        waits = self.published is not None and self.runs[self.published].quarantined
        return waits and self.released is None

    def status(self, run: int) -> RunStatus:
        """The status of this run."""
        known = self.runs.get(run)
        return status_on_record(
            known.status if known else None,
            superseded=run in self.superseded,
            deleted=self.deleted is not None,
        )


def status_on_record(stored: RunStatus | None, *, superseded: bool, deleted: bool) -> RunStatus:
    """The status of a run, from these parts of the record; ``stored`` is None for no such run."""
    if deleted:
        return RunStatus.DELETED
    if stored is None:
        return RunStatus.UNKNOWN
    return RunStatus.SUPERSEDED if superseded else stored


def status_without_record(run: int) -> RunStatus:
    """Without a record, run 0 is open: it has just begun. Later runs begin in the record."""
    return RunStatus.OPEN if run == 0 else RunStatus.UNKNOWN
