"""The lists that images are found in: their names, and what an entry of one shows.

An entry stands in its image's own partition, as item ``entry/<list>``, with its fields as
attributes; the index ``lists`` of the records' table holds it under (``list``, ``at``).
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from shared.contracts.envelope import Value
from shared.contracts.images import Label

INDEX = "lists"
"""The global secondary index: hash key ``list``, range key ``at``."""
ENTRY = "entry/"
"""What the range key of an entry begins with, among its image's items."""
COUNTS = "labels"
"""The partition of the counters: item ``label/<name>``, number ``images``."""
BEST_LABELS = 5


class Shown(StrEnum):
    """What an image is shown as. A deleted one is in no list."""

    WORKING = "working"
    COMPLETED = "completed"
    FAILED = "failed"


class Thumbnail(Value):
    """The smallest rendition; sides in pixels."""

    key: str
    width: int
    height: int


class Entry(Value):
    """One image in one list, with as much as a page of results shows of it."""

    image: str
    at: str
    """``<ISO time>#<image>``, newest last: when what is shown ended, or began while it works."""
    list: str
    run: int
    status: Shown
    name: str
    """The last part of the original's key."""
    owner: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    labels: tuple[Label, ...] = ()
    """The best, at most ``BEST_LABELS``."""
    confidence: float | None = None
    """In a label's list: that label's, in percent, whether it is among the best or not."""
    faces: int | None = None
    flagged: bool = False
    withheld: bool = False
    thumbnail: Thumbnail | None = None
    """None also while the renditions are withheld."""
    stage: str | None = None
    reason: str | None = None
    """Where and why it failed."""


def month(at: datetime) -> str:
    """The month that a list is cut by, such as 2026-11; of an aware time, in UTC by the caller."""
    return f"{at:%Y-%m}"


def everything(of: str) -> str:
    """The list of all images of that month."""
    return f"all#{of}"


def with_status(status: Shown, of: str) -> str:
    return f"status#{status}#{of}"


def of_owner(owner: str) -> str:
    return f"owner#{owner}"


def with_label(name: str) -> str:
    return f"label#{name}"


FLAGGED = "flagged"


def key_of(at: datetime, image: str) -> str:
    """The range key: the UTC time to the microsecond, so that letters sort as times do."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}#{image}"


def item_of(name: str) -> str:
    """The range key in the table of the entry in this list."""
    return ENTRY + name


def months_back(newest: str, oldest: str) -> Iterator[str]:
    """The months from the newest back to the oldest, both included."""
    year, number = map(int, newest.split("-"))
    while (now := f"{year:04}-{number:02}") >= oldest:
        yield now
        year, number = (year, number - 1) if number > 1 else (year - 1, 12)
