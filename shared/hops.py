"""What an image went through, hop by hop: computed here for the API and for operators alike.

Read from what the services write anyway: the ledger says when work on an event was claimed and
settled, the record's timeline when an event was announced. Times are epoch seconds. Of tries that
came before the last, and of compensating, neither knows: those are in the log alone.
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
    """One service's answer to one event."""

    service: str
    type: str
    event: str
    run: int
    published: float | None
    """When the event was announced; None where nobody noted it, as of the upload itself."""
    began: float
    """When the last try began; of ``store``, which claims nothing, when it was last told a fact."""
    completed: float | None
    attempts: int
    state: State

    @property
    def waited(self) -> float | None:
        """Seconds from the announcement to the last try; never less than none, clocks differ."""
        return None if self.published is None else max(0.0, self.began - self.published)

    @property
    def worked(self) -> float | None:
        """Seconds of the last try; of ``store`` with the waiting before it."""
        return None if self.completed is None else max(0.0, self.completed - self.began)


def hops(events: Sequence[Row], claims: Iterable[Row], now: float) -> tuple[TimelineHop, ...]:
    """Every hop of an image, in the order in which they began.

    ``claims`` are the ledger's rows, ``events`` the timeline's. ``store`` claims nothing: each of
    its outcomes is a hop of its own, from the last thing that was heard before.
    """
    known = {row["item"].removeprefix("event/"): row for row in events}
    gave_up = {(row["source"], int(row["run"])) for row in events if row["type"] == StepFailed.type}
    claimed = [_claimed(row, known, now) for row in claims]
    found = [*(_judged(hop, gave_up) for hop in claimed), *_decided(events)]
    return tuple(sorted(found, key=lambda hop: (hop.began, hop.service)))


def since_upload(found: Iterable[TimelineHop], uploaded: float) -> tuple[TimelineHop, ...]:
    """The hops, where it is known when S3 had the original: the first waited since then.

    S3 may have told of it before it answered the uploader.
    """
    return tuple(
        replace(hop, published=min(uploaded, hop.began)) if hop.type == ImageUploaded.type else hop
        for hop in found
    )


def _claimed(row: Row, known: Mapping[str, Row], now: float) -> TimelineHop:
    service, kind, event = row["claim"].split("/", 2)
    told = known.get(event)
    return TimelineHop(
        service=service,
        type=kind,
        event=event,
        run=int(told["run"]) if told else 0,
        published=_epoch(told) if told else None,
        began=float(row["claimed_at"]),
        completed=float(row["completed_at"]) if "completed_at" in row else None,
        attempts=int(row["attempts"]),
        state=_state(row, now),
    )


def _judged(hop: TimelineHop, gave_up: AbstractSet[tuple[str, int]]) -> TimelineHop:
    """A step that gave up settles its claim too; its report tells the two apart."""
    if hop.state == "done" and (f"darkroom/{hop.service}", hop.run) in gave_up:
        return replace(hop, state="gave-up")
    return hop


def _state(row: Row, now: float) -> State:
    if "completed_at" in row:
        return "done"
    return "in-progress" if float(row["until"]) > now else "waiting"


def _decided(events: Sequence[Row]) -> Iterator[TimelineHop]:
    heard = [row for row in events if row["source"] != STORE]
    for row in events:
        before = [other for other in heard if _epoch(other) <= _epoch(row)]
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
