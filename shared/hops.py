"""The timeline of an image, hop by hop, for the API and the command line.

Computed from the ledger (when an event was claimed and completed) and the record's timeline (when
an event was published). Times are epoch seconds. Both know the last attempt only: earlier attempts
and compensations are in the log.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from shared.contracts.images import ImageUploaded, StepFailed

STORE = "darkroom/store"

Row = Mapping[str, Any]
State = Literal["done", "gave-up", "in-progress", "waiting"]


@dataclass(frozen=True)
class TimelineHop:
    """One service's handling of one event."""

    service: str
    type: str
    event: str
    run: int
    published: float | None
    """When the event was published; None where that is not recorded, as for the upload."""
    began: float
    """When the last attempt began. For ``store``, which takes no claim, when the last event before
    its decision was published."""
    completed: float | None
    attempts: int
    state: State

    @property
    def waited(self) -> float | None:
        """Seconds from the publication to the last attempt; at least 0, although clocks differ."""
        return None if self.published is None else max(0.0, self.began - self.published)

    @property
    def worked(self) -> float | None:
        """Seconds of the last attempt; for ``store``, with the wait before it."""
        return None if self.completed is None else max(0.0, self.completed - self.began)


def hops(events: Sequence[Row], claims: Iterable[Row], now: float) -> tuple[TimelineHop, ...]:
    """Every hop of an image, in the order in which they began.

    ``claims`` are the ledger's rows, ``events`` the timeline's. ``store`` takes no claim: each of
    its decisions is a hop of its own, which begins with the last event before it.
    """
    published = {row["item"].removeprefix("event/"): row for row in events}
    failed = {(row["source"], int(row["run"])) for row in events if row["type"] == StepFailed.type}
    claimed = [_mark_failed(_claimed(row, published, now), failed) for row in claims]
    timeline = [*claimed, *_decided(events)]
    return tuple(sorted(timeline, key=lambda hop: (hop.began, hop.service)))


def since_upload(timeline: Iterable[TimelineHop], uploaded: float) -> tuple[TimelineHop, ...]:
    """The hops, with the time of the upload as the first one's ``published``.

    S3 may send the notification before it answers the upload: the earlier of both times counts.
    """
    return tuple(
        replace(hop, published=min(uploaded, hop.began)) if hop.type == ImageUploaded.type else hop
        for hop in timeline
    )


def _claimed(row: Row, published: Mapping[str, Row], now: float) -> TimelineHop:
    service, kind, event = row["claim"].split("/", 2)
    publication = published.get(event)
    return TimelineHop(
        service=service,
        type=kind,
        event=event,
        run=int(publication["run"]) if publication else 0,
        published=_epoch(publication) if publication else None,
        began=float(row["claimed_at"]),
        completed=float(row["completed_at"]) if "completed_at" in row else None,
        attempts=int(row["attempts"]),
        state=_state(row, now),
    )


def _mark_failed(hop: TimelineHop, failed: AbstractSet[tuple[str, int]]) -> TimelineHop:
    """A step that gave up has completed its claim too; its report is the difference."""
    if hop.state == "done" and (f"darkroom/{hop.service}", hop.run) in failed:
        return replace(hop, state="gave-up")
    return hop


def _state(row: Row, now: float) -> State:
    if "completed_at" in row:
        return "done"
    return "in-progress" if float(row["until"]) > now else "waiting"


def _decided(events: Sequence[Row]) -> Iterator[TimelineHop]:
    consumed = [row for row in events if row["source"] != STORE]
    for row in events:
        before = [other for other in consumed if _epoch(other) <= _epoch(row)]
        if row["source"] != STORE or not before:
            continue
        last = max(before, key=_epoch)
        yield TimelineHop(
            service="store",
            type=last["type"],
            event=last["item"].removeprefix("event/"),
            run=int(row["run"]),
            published=None,
            began=_epoch(last),
            completed=_epoch(row),
            attempts=1,
            state="done",
        )


def _epoch(row: Row) -> float:
    return datetime.fromisoformat(row["time"]).timestamp()
