"""How images are listed: what a list shows of each, and the names of the lists.

An image has an entry in every list that it belongs to, at ``entry/<list>`` among its items. The
index ``lists`` of the table has the entries of one list together, by ``at``.
"""

from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

from shared.contracts.envelope import Value
from shared.contracts.images import Embedding, Fingerprint, Label
from shared.contracts.record import RunStatus

INDEX = "lists"
"""The name of the index: hash key ``list``, range key ``at``."""

ENTRY = "entry/"
"""What the range key of an entry begins with; the name of its list follows."""

INDEX_STATE = "listing"
"""The range key of the one item that says which entries an image has."""

ALL = "all"
FLAGGED = "flagged"

COUNT = "label/"
"""What the range key of a label's count begins with; the label's own name follows."""

SHARDS = 8
"""Partitions that the counts are spread over. A partition takes 1,000 writes a second, and an image
with eight labels is sixteen of them: one partition would do for 60 images a second.
"""

LONGEST_NAME = 512
"""Bytes of a list's name. A range key has 1,024; an owner may be longer than what is left."""


class Shown(StrEnum):
    """What a list says of an image's outcome."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Thumbnail(Value):
    """The smallest rendition. Sides are in pixels."""

    key: str
    width: int
    height: int


class Trouble(Value):
    """Where a run failed, and why: stable codes, as in the report."""

    stage: str
    reason: str


class Summary(Value):
    """What a list shows of an image, of the run that is published or else of the current one."""

    run: int
    status: Shown
    name: str
    """The last part of the original's key."""
    owner: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    labels: tuple[Label, ...] = ()
    """The five most certain, most certain first."""
    faces: int | None = None
    flagged: bool = False
    quarantined: bool = False
    thumbnail: Thumbnail | None = None
    """None also while the renditions are quarantined."""
    failure: Trouble | None = None


class Features(Value):
    """What one image is compared with others by, as far as it is known."""

    fingerprint: Fingerprint | None = None
    embedding: Embedding | None = None


class Entry(Features):
    """An image's place in one list; beyond the summary, what that list alone is read for.

    The lists of what might be a near-duplicate tell the likeness, those of what might look alike
    the embedding as well.
    """

    list: str
    confidence: float | None = None
    """Of the label whose list it is, in percent."""
    found: tuple[Label, ...] | None = None
    """In an owner's list, every label that the image is listed under: who sees his own images
    alone finds them by these, without reading of anyone else's.
    """


SHOWN = {
    RunStatus.OPEN: Shown.PROCESSING,
    RunStatus.COMPLETED: Shown.COMPLETED,
    RunStatus.FAILED: Shown.FAILED,
}


def at(time: datetime) -> str:
    """The time as lists are sorted by it: always of one length, so in the order of time as text.

    An entry's own ``at`` goes on with ``#`` and the image, so that no two are the same.
    """
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def by_status(status: Shown) -> str:
    return f"status#{status}"


def by_owner(owner: str) -> str:
    return _named("owner", owner)


def by_label(label: str) -> str:
    return _named("label", label)


def by_hash(band: int, bits: str) -> str:
    return f"hash#{band}#{bits}"


def by_embedding(band: int, bits: str) -> str:
    return f"look#{band}#{bits}"


def count_partition(image: str) -> str:
    """The partition in which this image counts."""
    return f"labels/{int(sha256(image.encode()).hexdigest(), 16) % SHARDS}"


def count_partitions() -> tuple[str, ...]:
    """All of them: a label's count is the sum over these."""
    return tuple(f"labels/{n}" for n in range(SHARDS))


def _named(kind: str, name: str) -> str:
    """Names come from outside: one that is too long for a key is told by its digest."""
    if len(name.encode()) <= LONGEST_NAME:
        return f"{kind}#{name}"
    return f"{kind}#sha256:{sha256(name.encode()).hexdigest()}"
