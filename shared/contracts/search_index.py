"""The search index: its partitions, its entries, and the label counts.

An image has one entry in each partition that it belongs to, stored as its item
``entry/<partition>``. The global secondary index groups them by partition, sorted by ``at``.
"""

from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

from shared.contracts.envelope import Value
from shared.contracts.images import Embedding, Fingerprint, Label
from shared.contracts.record import RunStatus

INDEX = "search-index"
"""The global secondary index: hash key ``partition``, range key ``at``."""

ENTRY = "entry/"
"""The prefix of an entry's range key; the partition follows."""

INDEX_STATE = "index-state"
"""The range key of the item that says which entries an image has."""

ALL = "all"
FLAGGED = "flagged"

COUNT = "label/"
"""The prefix of a label count's range key; the label follows."""

SHARDS = 8
"""Shards of the label counts. A partition takes 1,000 write units a second and an image with eight
labels needs sixteen, so one shard alone would limit the pipeline to 60 images a second.
"""

LONGEST_NAME = 512
"""Bytes of a name within a partition. A range key has 1,024; an owner's name may be longer."""


class Shown(StrEnum):
    """The status of an image in a list."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Thumbnail(Value):
    """The smallest rendition. Sides are in pixels."""

    key: str
    width: int
    height: int


class FailureSummary(Value):
    """The stage and reason of a failed run: stable codes, as in ``step.failed``."""

    stage: str
    reason: str


class ImageSummary(Value):
    """What a list shows of an image: its published run, or else its current one."""

    run: int
    status: Shown
    name: str
    """The last part of the original's key."""
    owner: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    labels: tuple[Label, ...] = ()
    """The five with the highest confidence, highest first."""
    faces: int | None = None
    flagged: bool = False
    quarantined: bool = False
    thumbnail: Thumbnail | None = None
    """None also while the renditions are quarantined."""
    failure: FailureSummary | None = None


class Features(Value):
    """What similar images are found by."""

    fingerprint: Fingerprint | None = None
    embedding: Embedding | None = None


class IndexEntry(Features):
    """An image's entry in one partition: what that partition needs beyond the summary.

    Entries by hash hold the fingerprint; entries by embedding hold both features.
    """

    partition: str
    confidence: float | None = None
    """Of the label that the partition is for, in percent."""
    found: tuple[Label, ...] | None = None
    """In an owner's partition, every label that the image has an entry for. It filters an owner's
    images by label without reading those of others.
    """


SHOWN = {
    RunStatus.OPEN: Shown.PROCESSING,
    RunStatus.COMPLETED: Shown.COMPLETED,
    RunStatus.FAILED: Shown.FAILED,
}


def at(time: datetime) -> str:
    """The time as text that sorts by time, because it always has the same length.

    The ``at`` of an entry is this, ``#`` and the image, and so unique.
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
    return f"embedding#{band}#{bits}"


def count_partition(image: str) -> str:
    """The shard of the label counts that includes this image."""
    return f"labels/{int(sha256(image.encode()).hexdigest(), 16) % SHARDS}"


def count_partitions() -> tuple[str, ...]:
    """All shards. A label's count is their sum."""
    return tuple(f"labels/{n}" for n in range(SHARDS))


def _named(kind: str, name: str) -> str:
    """A name from outside that is too long for a key is replaced with its digest."""
    if len(name.encode()) <= LONGEST_NAME:
        return f"{kind}#{name}"
    return f"{kind}#sha256:{sha256(name.encode()).hexdigest()}"
