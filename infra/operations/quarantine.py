"""List the quarantined images, and release them after a review."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from infra.errors import InfraError
from infra.operations.images import Images
from infra.operations.replay import described
from infra.terminal import Say
from shared.contracts.images import ReleaseRequested
from shared.contracts.record import Record, Run
from shared.requests import Refusal, why_not_released


def quarantined(images: Images) -> list[Record]:
    """The images that wait for somebody's look; who waits longest comes first."""
    return sorted((record for record in images.records() if record.quarantined), key=_since)


def listing(records: Iterable[Record], processed: str) -> Iterator[str]:
    """Two lines for each: since when and why it is quarantined, and a rendition to look at.

    ``processed`` is the bucket that it stands in.
    """
    for record in records:
        run = _published(record)
        since = _since(record).isoformat(" ", "seconds")
        yield f"{record.image}  run {record.published}  {since}  {_why(run)}  {record.source.key}"
        if run.resized and run.resized.renditions:
            yield f"  s3://{processed}/{run.resized.renditions[-1].key}"


def refuse_what_cannot_be_released(record: Record) -> None:
    """InfraError, before anything is asked; ``store`` refuses it again."""
    words = {
        Refusal.DELETED: "was deleted: nothing of it is left to release",
        Refusal.PROCESSING: "is still at work: whether to withhold it is not decided",
        Refusal.NOT_QUARANTINED: "is not quarantined",
    }
    if refusal := why_not_released(record):
        raise InfraError(f"{record.image} {words[refusal]}")


def release(images: Images, records: list[Record], say: Say, *, dry_run: bool) -> None:
    """Ask for the renditions of each to be published."""
    for record in records:
        refuse_what_cannot_be_released(record)
    for record in records:
        say(f"{'would release' if dry_run else 'releasing'} {described(record)}")
        if not dry_run:
            seen = record.run if record.published is None else record.published
            images.say(ReleaseRequested(image=record.image, run=seen))


def _published(record: Record) -> Run:
    assert record.published is not None, "only what is published can be quarantined"
    return record.runs[record.published]


def _since(record: Record) -> datetime:
    ended = _published(record).ended
    assert ended, "a published run has ended"
    return ended


def _why(run: Run) -> str:
    judged = run.analyzed.moderation if run.analyzed else None
    return ", ".join(judged.names) if judged else "not judged: moderation is switched off"
