"""Which lists an image belongs to, and what changes when it belongs to others. Pure."""

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
    Entry,
    Shown,
    Summary,
    Thumbnail,
    Trouble,
    at,
    by_embedding,
    by_hash,
    by_label,
    by_owner,
    by_status,
)
from shared.similarity import embedding_bands, features_of, hash_bands

MOST_LABELS = 15
"""Labels that an image is listed and counted under, the most certain ones. DynamoDB takes 100
changes in one transaction, and all of an image's lists may be exchanged at once.
"""

BEST = 5
"""Labels that are shown of an image in a list."""

DIGEST = 12
"""Hex digits that tell what an entry says from what it said before."""


class IndexEntries(Value):
    """All that lists have to say of an image as its record is at this revision."""

    image: str
    revision: int
    at: str = ""
    summary: Summary | None = None
    """None where nothing is listed: the image was deleted."""
    entries: tuple[Entry, ...] = ()
    labels: tuple[str, ...] = ()
    """The labels that it counts under: those whose lists it is in."""
    deleted: datetime | None = None


class IndexState(Value):
    """What is listed of an image by now. It stands beside the entries, written with them."""

    image: str
    revision: int
    """Of the record that it follows from. It only ever grows."""
    lists: dict[str, str]
    """The lists that the image is in, each with a digest of what its entry says there."""
    labels: tuple[str, ...] = ()


class Change(Value):
    """What has to be written, all of it or nothing, to list an image as it is now."""

    replaces: int | None
    """The revision that has to be listed until then; None: the image was never listed."""
    listed: IndexState
    at: str
    summary: Summary | None
    put: tuple[Entry, ...]
    leave: tuple[str, ...]
    """Names of lists that the image is in no more."""
    counts: dict[str, int]
    """By label, what is added to its count: 1 or -1."""
    deleted: datetime | None = None
    """When the image was deleted, if it was."""


def listing(record: Record) -> IndexEntries:
    """What lists have to say of this image: of a deleted one, nothing."""
    if record.deleted:
        return IndexEntries(image=record.image, revision=record.revision, deleted=record.deleted)
    run = record.run if record.published is None else record.published
    shown = record.runs[run]
    labels = _labels(shown)
    summary = _summary(record, run, labels)
    return IndexEntries(
        image=record.image,
        revision=record.revision,
        at=f"{at(_since(shown))}#{record.image}",
        summary=summary,
        entries=(*_lists(summary, labels), *map(_of_label, labels), *_of_likeness(shown)),
        labels=tuple(label.name for label in labels),
    )


def _since(run: Run) -> datetime:
    return run.ended or run.started


def _labels(run: Run) -> tuple[Label, ...]:
    """The most certain labels of a run that completed, each once."""
    if not _completed(run) or not run.analyzed or not run.analyzed.labels:
        return ()
    short = (label for label in run.analyzed.labels if len(label.name.encode()) <= LONGEST_NAME)
    once = {label.name: label for label in sorted(short, key=_certainty)}
    return tuple(sorted(once.values(), key=_certainty, reverse=True)[:MOST_LABELS])


def _certainty(label: Label) -> tuple[float, str]:
    return label.confidence, label.name


def _completed(run: Run) -> bool:
    return SHOWN[run.status] is Shown.COMPLETED


def _summary(record: Record, number: int, labels: tuple[Label, ...]) -> Summary:
    run = record.runs[number]
    said = Summary(
        run=number,
        status=SHOWN[run.status],
        name=record.source.key.rsplit("/", 1)[-1],
        owner=record.owner,
        labels=labels[:BEST],
        failure=run.failure and Trouble(stage=run.failure.stage, reason=run.failure.reason),
    )
    if not _completed(run) or not run.resized or not run.analyzed:
        return said
    return said.model_copy(
        update={
            **_seen(run.resized, quarantined=record.quarantined),
            **_found(run.analyzed),
            "quarantined": record.quarantined,
        }
    )


def _seen(resized: ImageResized, *, quarantined: bool) -> dict[str, object]:
    smallest = min(resized.renditions, key=lambda made: made.width * made.height, default=None)
    hidden = quarantined or smallest is None
    return {
        "format": resized.format,
        "width": resized.width,
        "height": resized.height,
        "thumbnail": None if hidden else Thumbnail.model_validate(smallest, from_attributes=True),
    }


def _found(analyzed: ImageAnalyzed) -> dict[str, object]:
    return {
        "faces": analyzed.faces,
        "flagged": bool(analyzed.moderation and analyzed.moderation.flagged),
    }


def _lists(summary: Summary, labels: tuple[Label, ...]) -> Iterator[Entry]:
    yield Entry(list=ALL)
    yield Entry(list=by_status(summary.status))
    if summary.owner:
        yield Entry(list=by_owner(summary.owner), found=labels or None)
    if summary.flagged:
        yield Entry(list=FLAGGED)


def _of_label(label: Label) -> Entry:
    return Entry(list=by_label(label.name), confidence=label.confidence)


def _of_likeness(run: Run) -> Iterator[Entry]:
    if not _completed(run):
        return
    seen = features_of(run)
    if seen.fingerprint:
        for band, bits in enumerate(hash_bands(seen.fingerprint)):
            yield Entry(list=by_hash(band, bits), fingerprint=seen.fingerprint)
    if seen.embedding:
        for band, bits in enumerate(embedding_bands(seen.embedding)):
            yield Entry(
                list=by_embedding(band, bits),
                fingerprint=seen.fingerprint,
                embedding=seen.embedding,
            )


def change(before: IndexState | None, after: IndexEntries) -> Change:
    """The least that has to be written: what says the same already is left alone."""
    stands = before.lists if before else {}
    counted = before.labels if before else ()
    said = {entry.list: _digest(after, entry) for entry in after.entries}
    return Change(
        replaces=before.revision if before else None,
        listed=IndexState(
            image=after.image, revision=after.revision, lists=said, labels=after.labels
        ),
        at=after.at,
        summary=after.summary,
        put=tuple(e for e in after.entries if stands.get(e.list) != said[e.list]),
        leave=tuple(name for name in stands if name not in said),
        counts=_counts(set(counted), set(after.labels)),
        deleted=after.deleted,
    )


def _digest(after: IndexEntries, entry: Entry) -> str:
    shown = after.summary.model_dump_json() if after.summary else ""
    return sha256(f"{after.at}{shown}{entry.model_dump_json()}".encode()).hexdigest()[:DIGEST]


def _counts(before: set[str], after: set[str]) -> dict[str, int]:
    return dict.fromkeys(sorted(after - before), 1) | dict.fromkeys(sorted(before - after), -1)
