"""Requests to ``store`` (replay, release, delete): how to publish one, and when it is refused.

Used by the API and by the command line.
"""

from datetime import datetime
from enum import StrEnum

from shared.bus import Bus
from shared.contracts.envelope import Envelope, Event
from shared.contracts.record import Record, RunStatus


class Refusal(StrEnum):
    """Why ``store`` would ignore a request."""

    DELETED = "image-deleted"
    FULL = "too-many-runs"
    PROCESSING = "still-processing"
    UNPUBLISHED = "nothing-published"
    NOT_QUARANTINED = "not-quarantined"


def why_not_replayed(record: Record, *, force: bool, analyze_only: bool) -> Refusal | None:
    """Why a replay would be refused, by the current record; None if it would be granted."""
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
    """Why a release would be refused, by the current record; None if it would be granted."""
    if record.deleted:
        return Refusal.DELETED
    if record.quarantined or record.released:
        return None
    if record.published is None and record.status(record.run) is RunStatus.OPEN:
        return Refusal.PROCESSING
    return Refusal.NOT_QUARANTINED


def publish_request(bus: Bus, event: Event, source: str, at: datetime) -> Envelope:
    """Publish a request or a report. Repeated for the same run, it has the same id."""
    envelope = Envelope.first(event, source, at, f"{event.image}/{event.run}")
    bus.publish([envelope])
    return envelope
