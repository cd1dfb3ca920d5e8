"""What counts as forgotten, in which words it is reported, and how far a sweep has come. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import Field

from shared.contracts.envelope import Value
from shared.contracts.images import ImageEvent, Source
from shared.contracts.record import Record, RunStatus
from shared.contracts.uploads import image_of
from shared.errors import Fault
from shared.retries import GiveUp

T = TypeVar("T")

Marker = Mapping[str, str]
"""Where the next page begins, in the words of who gives the pages; empty for the first page."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """As much as one request gives. ``following`` is empty after the last page."""

    entries: tuple[T, ...]
    following: Marker


class Part(StrEnum):
    """What a sweep goes through, in this order."""

    RECORDS = "records"
    UPLOADS = "uploads"


class Position(Value):
    """How far a sweep has come: everything before it was looked at."""

    part: Part = Part.RECORDS
    after: dict[str, str] = Field(default_factory=dict)


BEGINNING = Position()


@dataclass(frozen=True)
class Upload:
    """One version of one object in the uploads bucket, there since ``at``."""

    source: Source
    at: datetime

    @property
    def image(self) -> str | None:
        """None where there are no versions: then only S3's notification could tell."""
        return image_of(self.source.bucket, self.source.key, self.source.version)


@dataclass(frozen=True)
class Finding:
    """A run that nobody will finish, the service it waits for, and what to say of it."""

    event: ImageEvent
    stage: str
    gave_up: GiveUp


def waits_since(record: Record, limit: datetime) -> bool:
    """Whether the current run began by ``limit`` and is still open."""
    return record.status(record.run) is RunStatus.OPEN and record.current.started <= limit


def stuck(record: Record, silence: timedelta) -> Finding:
    """The current run, of which nothing was heard for so long."""
    run = ImageEvent(image=record.image, run=record.run, source=record.source, owner=record.owner)
    stage = "analyze" if record.current.resized else "resize"
    hours = silence / timedelta(hours=1)
    detail = f"Nothing was heard of this run for {hours:g} hours."
    return Finding(run, stage, GiveUp("stuck", detail, Fault.INTERNAL))


def lost(image: str, source: Source) -> Finding:
    """An upload without a record: S3's notification is the only thread it hung by."""
    first = ImageEvent(image=image, run=0, source=source)
    detail = "The upload is there, but no service ever heard of it."
    return Finding(first, "resize", GiveUp("lost", detail, Fault.DEPENDENCY))
