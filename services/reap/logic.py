"""When a run counts as stuck and an upload as lost, and what is reported about them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from shared.contracts.envelope import Value
from shared.contracts.images import ImageEvent, Source
from shared.contracts.record import Record, RunStatus
from shared.contracts.uploads import image_of
from shared.errors import Fault
from shared.retries import GiveUp


class Part(StrEnum):
    """The two parts of a sweep, in their order."""

    RECORDS = "records"
    UPLOADS = "uploads"


class Position(Value):
    """How far a sweep has come. Everything before it has been checked."""

    part: Part = Part.RECORDS
    after: dict[str, str] = Field(default_factory=dict)
    """The cursor within the part; empty at its start."""


BEGINNING = Position()


@dataclass(frozen=True)
class Upload:
    """One version of an object in the uploads bucket, created at ``at``."""

    source: Source
    at: datetime

    @property
    def image(self) -> str | None:
        """None in a bucket without versions: there the id depends on S3's notification."""
        return image_of(self.source.bucket, self.source.key, self.source.version)


@dataclass(frozen=True)
class UploadPage:
    """The uploads of one request. ``cursor`` is empty after the last page."""

    uploads: tuple[Upload, ...]
    cursor: Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """A run that no service will finish, the stage that it waits for, and the reason to report."""

    event: ImageEvent
    stage: str
    gave_up: GiveUp


def is_waiting(record: Record, limit: datetime) -> bool:
    """Whether the current run is open and started no later than ``limit``."""
    return record.status(record.run) is RunStatus.OPEN and record.current.started <= limit


def stuck(record: Record, silence: timedelta) -> Finding:
    """The current run had no event for the time of ``silence``."""
    run = ImageEvent(image=record.image, run=record.run, source=record.source, owner=record.owner)
    stage = "analyze" if record.current.resized else "resize"
    hours = silence / timedelta(hours=1)
    detail = f"This run had no event for {hours:g} hours."
    return Finding(run, stage, GiveUp("stuck", detail, Fault.INTERNAL))


def lost(image: str, source: Source) -> Finding:
    """An upload without a record: S3's notification did not arrive."""
    run = ImageEvent(image=image, run=0, source=source)
    detail = "The upload exists, but no event announced it."
    return Finding(run, "resize", GiveUp("lost", detail, Fault.DEPENDENCY))
