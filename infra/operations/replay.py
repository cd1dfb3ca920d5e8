"""Asking ``store`` for new runs, and for the end of an image."""

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
class Wanted:
    """Which failed images to replay; None leaves a question open."""

    since: timedelta | None = None
    stage: str | None = None
    reason: str | None = None
    published: bool = False
    """Only those that have a published run nevertheless."""


@dataclass(frozen=True)
class How:
    """What a new run does: all anew, or with ``analyze_only`` nothing but ask, ``analyzer`` if one
    is named. ``force`` gives up a run still at work.
    """

    force: bool = False
    analyze_only: bool = False
    analyzer: str | None = None


def failed(images: Images, wanted: Wanted) -> Iterator[Record]:
    """The images whose current run failed as wanted."""
    for record in images.records():
        failure = record.current.failure
        if record.status(record.run) is not RunStatus.FAILED or failure is None:
            continue
        late = wanted.since is not None and _ended(record) < images.clock() - wanted.since
        other = wanted.stage not in (None, failure.stage)
        other = other or (wanted.published and record.published is None)
        if not (late or other or wanted.reason not in (None, failure.reason)):
            yield record


def _ended(record: Record) -> datetime:
    assert record.current.ended, "a failed run has ended"
    return record.current.ended


def refuse_what_cannot_be_replayed(record: Record, how: How) -> None:
    """InfraError, before anything is asked; ``store`` refuses it again."""
    refusal = why_not_replayed(record, force=how.force, analyze_only=how.analyze_only)
    if refusal:
        words = {
            Refusal.DELETED: "was deleted: its original is gone",
            Refusal.FULL: f"has had {len(record.runs)} runs, and its record holds no more: "
            "upload the original again",
            Refusal.PROCESSING: "is still at work; --force gives its run up for a new one",
            Refusal.UNPUBLISHED: "has no published run to analyse again: leave --analyze-only out",
        }
        raise InfraError(f"{record.image} {words[refusal]}")


def replay(
    images: Images, records: list[Record], say: Say, how: How, *, dry_run: bool, rate: float
) -> None:
    """Ask for a new run of each, at most ``rate`` a second."""
    for record in records:
        refuse_what_cannot_be_replayed(record, how)
    for n, record in enumerate(records):
        say(f"{'would replay' if dry_run else 'replaying'} {described(record)}")
        if not dry_run:
            time.sleep(1 / rate if n else 0)
            images.say(ReplayRequested(image=record.image, run=record.run, **asdict(how)))


def delete(images: Images, records: list[Record], say: Say) -> None:
    """Request the deletion of each."""
    for record in records:
        say(f"deleting {described(record)}")
        images.say(DeleteRequested(image=record.image, run=record.run))


def described(record: Record) -> str:
    """One line: which image, which run, and what became of it."""
    failure = record.current.failure
    why = f" at {failure.stage}: {failure.reason}" if failure else ""
    status = record.status(record.run)
    return f"{record.image}  run {record.run}  {status}{why}  {record.source.key}"
