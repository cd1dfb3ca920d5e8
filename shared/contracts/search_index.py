"""The search index: its partitions and entries.

An image has an entry in every partition that it belongs to (all, its status, its owner, its labels
…), at ``entry/<partition>`` among its items. The table's index ``search-index`` sorts the entries
of a partition by time.
"""

from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

from shared.contracts.envelope import Value
from shared.contracts.images import Embedding, Fingerprint, Label, Placeholder
from shared.contracts.record import RunStatus

INDEX = "search-index"
"""The name of the table's index: partition key ``partition``, sort key ``at``."""

ENTRY = "entry/"
"""The sort key of an entry begins with this; the partition's name follows."""

INDEX_STATE = "index-state"
"""The sort key of the item that lists an image's entries."""

ALL = "all"
FLAGGED = "flagged"

COUNT = "label/"
"""The sort key of a label's count begins with this; the label's name follows."""

SHARDS = 8
"""The number of partitions of the counts. A partition accepts 1,000 writes a second, and an image
with eight labels needs sixteen: one partition would suffice for 60 images a second.
"""

LONGEST_NAME = 512
"""Maximum bytes of a partition's name. A sort key may have 1,024, and an owner may be longer."""


class Shown(StrEnum):
    """The status of an image in the index."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Thumbnail(Value):
    """The smallest rendition. Sides are in pixels."""

    key: str
    width: int
    height: int


class FailureSummary(Value):
    """Where and why a run failed: the stable codes of the report."""

    stage: str
    reason: str


class ImageSummary(Value):
    """The image's fields in an entry: from its published run, or else from its current run."""

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
    placeholder: Placeholder | None = None
    """Shown while the thumbnail loads; None without one."""
    failure: FailureSummary | None = None


class Features(Value):
    """The features by which images are compared; None if the run has not produced them."""

    fingerprint: Fingerprint | None = None
    embedding: Embedding | None = None


class IndexEntry(Features):
    """An image's entry in one partition: the fields that this partition adds to the summary.

    Entries by hash hold the fingerprint; entries by embedding hold both features.
    """

    partition: str
    confidence: float | None = None
    """In a label's partition: that label's, in percent."""
    all_labels: tuple[Label, ...] | None = None
    """In an owner's partition: all labels of the image. An owner's search by label reads only these
    entries, so it reads no entry of another owner.
    """


SHOWN = {
    RunStatus.OPEN: Shown.PROCESSING,
    RunStatus.COMPLETED: Shown.COMPLETED,
    RunStatus.FAILED: Shown.FAILED,
}


def at(time: datetime) -> str:
    """The time as a sort key: of constant length, so that text order is time order.

    An entry appends ``#`` and the image, so that its key is unique.
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
    """The partition that counts this image's labels."""
    return f"labels/{int(sha256(image.encode()).hexdigest(), 16) % SHARDS}"


def count_partitions() -> tuple[str, ...]:
    """All partitions of counts. A label's count is the sum over them."""
    return tuple(f"labels/{n}" for n in range(SHARDS))


def _named(kind: str, name: str) -> str:
    """The partition's name; a name that is too long for a key is replaced by its digest."""
    if len(name.encode()) <= LONGEST_NAME:
        return f"{kind}#{name}"
    return f"{kind}#sha256:{sha256(name.encode()).hexdigest()}"
