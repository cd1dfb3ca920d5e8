"""Which entries an image has in the search index, and what changes when they change. Pure."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from shared.contracts.envelope import Value
from shared.contracts.images import ImageAnalyzed, ImageResized, Label
from shared.contracts.record import Record, Run
from shared.contracts.search_index import (
    ALL,
    FLAGGED,
    LONGEST_NAME,
    SHOWN,
    FailureSummary,
    ImageSummary,
    IndexEntry,
    Shown,
    Thumbnail,
    at,
    by_embedding,
    by_hash,
    by_label,
    by_owner,
    by_status,
)
from shared.similarity import embedding_bands, features_of, hash_bands

MAX_LABELS = 15
"""Labels, the most certain first, that get an entry and a count. A transaction of DynamoDB holds
100 actions, and one may replace all entries of an image.
"""

SUMMARY_LABELS = 5
"""Labels in a summary."""

DIGEST_LENGTH = 12
"""Hex digits of the digest of an entry."""


class IndexEntries(Value):
    """All entries of an image, derived from one revision of its record."""

    image: str
    revision: int
    at: str = ""
    summary: ImageSummary | None = None
    """None for a deleted image, which has no entries."""
    entries: tuple[IndexEntry, ...] = ()
    labels: tuple[str, ...] = ()
    """The labels whose counts include the image."""
    deleted: datetime | None = None


class IndexState(Value):
    """What the index holds of an image. It is stored beside the entries and written with them."""

    image: str
    revision: int
    """Of the record that the entries derive from. It only increases."""
    entries: dict[str, str]
    """The partitions that hold an entry, each with the entry's digest."""
    labels: tuple[str, ...] = ()


class Change(Value):
    """The writes of one transaction that bring the index up to date with a record."""

    replaces: int | None
    """The revision that the index must hold before; None if it must hold nothing of the image."""
    state: IndexState
    at: str
    summary: ImageSummary | None
    put: tuple[IndexEntry, ...]
    delete: tuple[str, ...]
    """The partitions whose entry is deleted."""
    counts: dict[str, int]
    """What is added to the count of each label: 1 or -1."""
    deleted: datetime | None = None
    """When the image was deleted, if it was."""


def index_entries(record: Record) -> IndexEntries:
    """The entries of this image; none for a deleted one."""
    if record.deleted:
        return IndexEntries(image=record.image, revision=record.revision, deleted=record.deleted)
    number = record.run if record.published is None else record.published
    run = record.runs[number]
    labels = _labels(run)
    summary = _summary(record, number, labels)
    return IndexEntries(
        image=record.image,
        revision=record.revision,
        at=f"{at(run.ended or run.started)}#{record.image}",
        summary=summary,
        entries=(
            *_list_entries(summary, labels),
            *map(_label_entry, labels),
            *_similarity_entries(run),
        ),
        labels=tuple(label.name for label in labels),
    )


def _labels(run: Run) -> tuple[Label, ...]:
    """The most certain labels of a completed run, each name once."""
    if not _completed(run) or not run.analyzed or not run.analyzed.labels:
        return ()
    short = (label for label in run.analyzed.labels if len(label.name.encode()) <= LONGEST_NAME)
    unique = {label.name: label for label in sorted(short, key=_certainty)}
    return tuple(sorted(unique.values(), key=_certainty, reverse=True)[:MAX_LABELS])


def _certainty(label: Label) -> tuple[float, str]:
    return label.confidence, label.name


def _completed(run: Run) -> bool:
    return SHOWN[run.status] is Shown.COMPLETED


def _summary(record: Record, number: int, labels: tuple[Label, ...]) -> ImageSummary:
    run = record.runs[number]
    summary = ImageSummary(
        run=number,
        status=SHOWN[run.status],
        name=record.source.key.rsplit("/", 1)[-1],
        owner=record.owner,
        labels=labels[:SUMMARY_LABELS],
        failure=run.failure and FailureSummary(stage=run.failure.stage, reason=run.failure.reason),
    )
    if not _completed(run) or not run.resized or not run.analyzed:
        return summary
    return summary.model_copy(
        update={
            **_picture_fields(run.resized, quarantined=record.quarantined),
            **_analysis_fields(run.analyzed),
            "quarantined": record.quarantined,
        }
    )


def _picture_fields(resized: ImageResized, *, quarantined: bool) -> dict[str, object]:
    smallest = min(resized.renditions, key=lambda r: r.width * r.height, default=None)
    hidden = quarantined or smallest is None
    return {
        "format": resized.format,
        "width": resized.width,
        "height": resized.height,
        "thumbnail": None if hidden else Thumbnail.model_validate(smallest, from_attributes=True),
        "placeholder": None if hidden else resized.placeholder,
    }


def _analysis_fields(analyzed: ImageAnalyzed) -> dict[str, object]:
    return {
        "faces": analyzed.faces,
        "flagged": bool(analyzed.moderation and analyzed.moderation.flagged),
    }


def _list_entries(summary: ImageSummary, labels: tuple[Label, ...]) -> Iterator[IndexEntry]:
    yield IndexEntry(partition=ALL)
    yield IndexEntry(partition=by_status(summary.status))
    if summary.owner:
        yield IndexEntry(partition=by_owner(summary.owner), all_labels=labels or None)
    if summary.flagged:
        yield IndexEntry(partition=FLAGGED)


def _label_entry(label: Label) -> IndexEntry:
    return IndexEntry(partition=by_label(label.name), confidence=label.confidence)


def _similarity_entries(run: Run) -> Iterator[IndexEntry]:
    if not _completed(run):
        return
    features = features_of(run)
    if features.fingerprint:
        for band, bits in enumerate(hash_bands(features.fingerprint)):
            yield IndexEntry(partition=by_hash(band, bits), fingerprint=features.fingerprint)
    if features.embedding:
        for band, bits in enumerate(embedding_bands(features.embedding)):
            yield IndexEntry(
                partition=by_embedding(band, bits),
                fingerprint=features.fingerprint,
                embedding=features.embedding,
            )


def change(before: IndexState | None, after: IndexEntries) -> Change:
    """The fewest writes: an entry with the same digest is not written again."""
    old = before.entries if before else {}
    new = {entry.partition: _digest(after, entry) for entry in after.entries}
    return Change(
        replaces=before.revision if before else None,
        state=IndexState(
            image=after.image, revision=after.revision, entries=new, labels=after.labels
        ),
        at=after.at,
        summary=after.summary,
        put=tuple(e for e in after.entries if old.get(e.partition) != new[e.partition]),
        delete=tuple(partition for partition in old if partition not in new),
        counts=_counts(set(before.labels) if before else set(), set(after.labels)),
        deleted=after.deleted,
    )


def _digest(after: IndexEntries, entry: IndexEntry) -> str:
    summary = after.summary.model_dump_json() if after.summary else ""
    content = f"{after.at}{summary}{entry.model_dump_json()}"
    return sha256(content.encode()).hexdigest()[:DIGEST_LENGTH]


def _counts(before: set[str], after: set[str]) -> dict[str, int]:
    return dict.fromkeys(sorted(after - before), 1) | dict.fromkeys(sorted(before - after), -1)
