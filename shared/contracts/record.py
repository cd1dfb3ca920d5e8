"""The one record of an image: what ``store`` writes and everyone may read."""

from datetime import datetime
from enum import StrEnum

from shared.contracts.envelope import Value
from shared.contracts.images import ImageAnalyzed, ImageResized, Source, StepFailed

RECORD = "record"
"""The range key of the record among an image's items; its timeline stands at ``event/<id>``."""


class RunStatus(StrEnum):
    """What became of a run. The first three are stored, the last follows from the record."""

    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The record knows no such run: nobody may work for it."""


class Run(Value):
    """One attempt at an image, from the original to its end."""

    status: RunStatus = RunStatus.OPEN
    started: datetime
    ended: datetime | None = None
    resized: ImageResized | None = None
    analyzed: ImageAnalyzed | None = None
    failure: StepFailed | None = None


class Record(Value):
    """Everything known of one image. Every change is one write, conditional on ``revision``."""

    image: str
    run: int = 0
    """The current run; its outcome is the image's."""
    runs: dict[int, Run]
    published: int | None = None
    """The run whose renditions are handed out."""
    source: Source
    owner: str | None = None
    revision: int = 0

    @property
    def current(self) -> Run:
        return self.runs[self.run]

    def status(self, run: int) -> RunStatus:
        """What became of this run."""
        known = self.runs.get(run)
        return known.status if known else RunStatus.UNKNOWN


def status_without_record(run: int) -> RunStatus:
    """No record yet means that the first run has only begun; later runs begin in the record."""
    return RunStatus.OPEN if run == 0 else RunStatus.UNKNOWN
