"""List the quarantined images, and release them after a review."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from infra.errors import InfraError
from infra.operations.images import Images
from infra.operations.replay import format_record
from infra.terminal import Say
from shared.contracts.images import ReleaseRequested
from shared.contracts.record import Record, Run
from shared.requests import Refusal, why_not_released


def quarantined(images: Images) -> list[Record]:
    """The quarantined images, the longest waiting first."""
    return sorted((record for record in images.records() if record.quarantined), key=_since)


def quarantine_lines(records: Iterable[Record], processed: str) -> Iterator[str]:
    """Two lines for each image: since when and why it is quarantined, and a rendition to review.

    ``processed`` is the bucket of the rendition.
    """
    for record in records:
        run = _published(record)
        since = _since(record).isoformat(" ", "seconds")
        reason = _reason(run)
        yield f"{record.image}  run {record.published}  {since}  {reason}  {record.source.key}"
        if run.resized and run.resized.renditions:
            yield f"  s3://{processed}/{run.resized.renditions[-1].key}"


def require_releasable(record: Record) -> None:
    """InfraError if a release would be refused; ``store`` checks it again."""
    reasons = {
        Refusal.DELETED: "was deleted: its renditions no longer exist",
        Refusal.PROCESSING: "is still processing: quarantine is not decided yet",
        Refusal.NOT_QUARANTINED: "is not quarantined",
    }
    if refusal := why_not_released(record):
        raise InfraError(f"{record.image} {reasons[refusal]}")


def release(images: Images, records: list[Record], say: Say, *, dry_run: bool) -> None:
    """Request the publication of each image's renditions."""
    for record in records:
        require_releasable(record)
    for record in records:
        say(f"{'would release' if dry_run else 'releasing'} {format_record(record)}")
        if not dry_run:
            reviewed = record.run if record.published is None else record.published
            images.request(ReleaseRequested(image=record.image, run=reviewed))


def _published(record: Record) -> Run:
    assert record.published is not None, "only a published run can be quarantined"
    return record.runs[record.published]


def _since(record: Record) -> datetime:
    ended = _published(record).ended
    assert ended, "a published run has ended"
    return ended


def _reason(run: Run) -> str:
    moderation = run.analyzed.moderation if run.analyzed else None
    return ", ".join(moderation.names) if moderation else "not moderated: moderation is off"
