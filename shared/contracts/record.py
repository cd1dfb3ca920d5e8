"""The one record of an image: what ``store`` writes and everyone may read."""

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
"""Bytes. DynamoDB keeps 400 KB of an item, and one more run may take as much as the two largest
facts that can be read.
"""


class RunStatus(StrEnum):
    """What became of a run. The first three are stored, the others follow from the record."""

    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    """It completed, and a later run that completed took its place."""
    DELETED = "deleted"
    """The image was deleted, whatever the run had come to."""
    UNKNOWN = "unknown"
    """The record knows no such run: nobody may work for it."""


class Run(Value):
    """One attempt at an image, from the original to its end."""

    status: RunStatus = RunStatus.OPEN
    started: datetime
    ended: datetime | None = None
    reanalysis: Reanalysis | None = None
    """None: everything is made anew, from the original."""
    resized: ImageResized | None = None
    analyzed: ImageAnalyzed | None = None
    failure: StepFailed | None = None
    quarantined: bool = False
    """Whether its renditions were quarantined when it completed. A release does not change that."""
    cost: Cost | None = None
    """Estimated when it completed, at the rates of that day; they are not applied again."""


class Release(Value):
    """An operator looked at the picture and let it go."""

    run: int
    """The run that was published then."""
    at: datetime


class Record(Value):
    """Everything known of one image. Every change is one write, conditional on ``revision``."""

    image: str
    run: int = 0
    """The current run; its outcome is the image's."""
    runs: dict[int, Run]
    published: int | None = None
    """The run whose renditions are handed out."""
    superseded: tuple[int, ...] = ()
    """The runs that were published once, and gave way to a later one."""
    released: Release | None = None
    """It holds for every later run too: all are made from the same original."""
    deleted: datetime | None = None
    """A tombstone: when the image was deleted. It outlives every queue and every claim."""
    source: Source
    owner: str | None = None
    revision: int = 0

    @property
    def current(self) -> Run:
        return self.runs[self.run]

    @property
    def full(self) -> bool:
        """Whether one more run might not fit. As JSON it is larger than in the table."""
        return len(self.model_dump_json(exclude_none=True).encode()) > FULL

    @property
    def quarantined(self) -> bool:
        """Whether what is published waits for an operator's release."""
        waits = self.published is not None and self.runs[self.published].quarantined
        return waits and self.released is None

    def status(self, run: int) -> RunStatus:
        """What became of this run."""
        known = self.runs.get(run)
        return status_on_record(
            known.status if known else None,
            superseded=run in self.superseded,
            deleted=self.deleted is not None,
        )


def status_on_record(stored: RunStatus | None, *, superseded: bool, deleted: bool) -> RunStatus:
    """What became of a run of which this much is on record; ``stored`` is None for no such run."""
    if deleted:
        return RunStatus.DELETED
    if stored is None:
        return RunStatus.UNKNOWN
    return RunStatus.SUPERSEDED if superseded else stored


def status_without_record(run: int) -> RunStatus:
    """No record yet means that the first run has only begun; later runs begin in the record."""
    return RunStatus.OPEN if run == 0 else RunStatus.UNKNOWN
