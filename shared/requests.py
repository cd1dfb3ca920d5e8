"""Asking ``store`` for something: how a request is announced, and which it would refuse.

People ask over HTTP and operators on the command line; both by these.
"""

from datetime import datetime
from enum import StrEnum

from shared.bus import Bus
from shared.contracts.envelope import Envelope, Event
from shared.contracts.record import Record, RunStatus


class Refusal(StrEnum):
    """Why ``store`` would answer a request with nothing."""

    DELETED = "image-deleted"
    FULL = "too-many-runs"
    PROCESSING = "still-processing"
    UNPUBLISHED = "nothing-published"
    NOT_QUARANTINED = "not-quarantined"


def why_not_replayed(record: Record, *, force: bool, analyze_only: bool) -> Refusal | None:
    """None if a new run would be granted, by what is on record now."""
    if record.deleted:
        return Refusal.DELETED
    if record.full:
        return Refusal.FULL
    if record.status(record.run) is RunStatus.OPEN and not force:
        return Refusal.PROCESSING
    if analyze_only and record.published is None:
        return Refusal.UNPUBLISHED
    return None


def why_not_released(record: Record) -> Refusal | None:
    """None if it would be handed out; what was released already is announced again."""
    if record.deleted:
        return Refusal.DELETED
    if record.quarantined or record.released:
        return None
    if record.published is None and record.status(record.run) is RunStatus.OPEN:
        return Refusal.PROCESSING
    return Refusal.NOT_QUARANTINED


def ask(bus: Bus, event: Event, source: str, at: datetime) -> Envelope:
    """Announce a request or a report; asked again about the same run, it has the same id."""
    envelope = Envelope.first(event, source, at, f"{event.image}/{event.run}")
    bus.publish([envelope])
    return envelope
