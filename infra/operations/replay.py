"""Request new runs and deletions from ``store``."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from infra.errors import InfraError
from infra.operations.images import Images
from shared.contracts.images import DeleteRequested, ReplayRequested
from shared.contracts.record import Record, RunStatus
from shared.requests import Refusal, why_not_replayed

Say = Callable[[str], None]


@dataclass(frozen=True)
class FailedFilter:
    """Which failed images to select; None means any."""

    since: timedelta | None = None
    stage: str | None = None
    reason: str | None = None
    published: bool = False
    """Only images that also have a published run."""


@dataclass(frozen=True)
class ReplayOptions:
    """What a new run does: everything, or with ``analyze_only`` only the analysis, by ``analyzer``.

    ``force`` replaces a run that is still processing.
    """

    force: bool = False
    analyze_only: bool = False
    analyzer: str | None = None


def failed_records(images: Images, selection: FailedFilter) -> Iterator[Record]:
    """The images whose current run failed and matches the filter."""
    for record in images.records():
        failure = record.current.failure
        if record.status(record.run) is not RunStatus.FAILED or failure is None:
            continue
        age = images.clock() - _ended(record)
        if (
            (selection.since is None or age <= selection.since)
            and selection.stage in (None, failure.stage)
            and selection.reason in (None, failure.reason)
            and (record.published is not None or not selection.published)
        ):
            yield record


def _ended(record: Record) -> datetime:
    assert record.current.ended, "a failed run has ended"
    return record.current.ended


def require_replayable(record: Record, how: ReplayOptions) -> None:
    """InfraError if a replay would be refused; ``store`` checks it again."""
    refusal = why_not_replayed(record, force=how.force, analyze_only=how.analyze_only)
    if refusal:
        reasons = {
            Refusal.DELETED: "was deleted: its original no longer exists",
            Refusal.FULL: f"has had {len(record.runs)} runs, and its record is full: "
            "upload the original again",
            Refusal.PROCESSING: "is still processing; --force replaces its run by a new one",
            Refusal.UNPUBLISHED: "has no published run to analyse again: omit --analyze-only",
        }
        raise InfraError(f"{record.image} {reasons[refusal]}")


def replay(
    images: Images,
    records: list[Record],
    say: Say,
    how: ReplayOptions,
    *,
    dry_run: bool,
    rate: float,
) -> None:
    """Request a new run for each record, at most ``rate`` a second."""
    for record in records:
        require_replayable(record, how)
    for n, record in enumerate(records):
        say(f"{'would replay' if dry_run else 'replaying'} {format_record(record)}")
        if not dry_run:
            time.sleep(1 / rate if n else 0)
            images.request(ReplayRequested(image=record.image, run=record.run, **asdict(how)))


def delete(images: Images, records: list[Record], say: Say) -> None:
    """Request the deletion of each image."""
    for record in records:
        say(f"deleting {format_record(record)}")
        images.request(DeleteRequested(image=record.image, run=record.run))


def format_record(record: Record) -> str:
    """One line: image, run, status with the reason of a failure, and key."""
    failure = record.current.failure
    reason = f" at {failure.stage}: {failure.reason}" if failure else ""
    status = record.status(record.run)
    return f"{record.image}  run {record.run}  {status}{reason}  {record.source.key}"
