"""What is asked for and what is shown: filters, cursors, hops, names. Pure."""

import json
import re
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from services.api.models import Compensated, FullFailure, HopView, RunState
from services.api.problems import Problem, Wrong
from shared import hops
from shared.contracts.record import Record, Run, RunStatus
from shared.contracts.search_index import (
    ALL,
    FLAGGED,
    SHOWN,
    Shown,
    at,
    by_label,
    by_owner,
    by_status,
)

Row = Mapping[str, Any]

KEPT_OF_NAME = 100
"""Characters: a key takes 1,024 bytes, and a character four of them at most."""
LONGEST_CURSOR = 1000
YEARS = range(1970, 9999)
AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z#[0-9a-f-]{36}", re.ASCII)


@dataclass(frozen=True)
class Filters:
    """Which images; None leaves a question open. Confidence is in percent, times are aware."""

    label: str | None = None
    confidence: float | None = None
    status: Shown | None = None
    flagged: bool | None = None
    owner: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Problem ``invalid`` for times that no image can lie between."""
        times = [time for time in (self.since, self.until) if time]
        if any(time.year not in YEARS for time in times):
            raise _impossible("a year is one of four digits, from 1970")
        if self.since and self.until and self.since > self.until:
            raise _impossible("from is later than to")

    @property
    def list(self) -> str:
        """The list that answers most of it: what is left over is looked for in its entries.

        An owner's comes first, so that nothing of another's is ever read, or stands in a cursor.
        """
        if self.owner is not None:
            return by_owner(self.owner)
        if self.label is not None:
            return by_label(self.label)
        if self.flagged:
            return FLAGGED
        return by_status(self.status) if self.status else ALL

    @property
    def span(self) -> tuple[str, str]:
        """The range keys between which it lies, both included."""
        return (
            at(self.since) if self.since else "0",
            f"{at(self.until)}~" if self.until else "~",
        )

    @property
    def digest(self) -> str:
        """What a cursor names its question by."""
        return sha256(repr(self).encode()).hexdigest()[:16]

    def wants(self, entry: Row) -> bool:
        """Whether an entry of ``list`` is what was asked for."""
        return (
            (self.status is None or entry["status"] == self.status)
            and (self.flagged is None or entry["flagged"] == self.flagged)
            and (self.owner is None or entry.get("owner") == self.owner)
            and ((self.label is None and self.confidence is None) or self._shows(entry))
        )

    def _shows(self, entry: Row) -> bool:
        """The label that was asked for, or any, and surely enough."""
        if self.label is not None and "confidence" in entry:
            return bool(entry["confidence"] >= (self.confidence or 0))
        return any(
            label["confidence"] >= (self.confidence or 0)
            for label in labels_of(entry)
            if self.label in (None, label["name"])
        )


def labels_of(entry: Row) -> Sequence[Row]:
    """All that an entry knows: of an owner's list every label, of others the best."""
    return entry.get("found") or entry.get("labels") or ()


def _impossible(why: str) -> Problem:
    detail = "The request does not say what it has to; see errors."
    return Problem(400, "invalid", detail, [Wrong(at="query.from", why=why)])


def cursor(question: str, position: str) -> str:
    """Where to go on with this question. Opaque to who holds it, not secret."""
    said = json.dumps([question, position]).encode()
    return urlsafe_b64encode(said).decode().rstrip("=")


def position(text: str, question: str) -> str:
    """Where the cursor stands. Problem ``broken-cursor`` for one of another question, or none."""
    try:
        said = json.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        asked, place = said
    except (ValueError, TypeError, RecursionError) as error:
        raise _broken("It is not one that was given out.") from error
    if asked != question:
        raise _broken("It belongs to another question: keep the filters, or leave it out.")
    if not isinstance(place, str):
        raise _broken("It is not one that was given out.")
    return place


def place_in_list(text: str, question: str) -> str:
    """The range key after which to go on."""
    place = position(text, question)
    if not AT.fullmatch(place):
        raise _broken("It is not one that was given out.")
    return place


def place_in_counts(text: str, question: str) -> int:
    """How many were shown before."""
    place = position(text, question)
    if not re.fullmatch(r"[0-9]{1,9}", place):
        raise _broken("It is not one that was given out.")
    return int(place)


def _broken(why: str) -> Problem:
    return Problem(400, "broken-cursor", f"This cursor cannot be gone on from. {why}")


def safe(name: str) -> str:
    """A file's name as the last part of a key: letters of any script, digits, and ``._-``."""
    plain = unicodedata.normalize("NFC", name)
    kept = re.sub(r"[^\w.-]+", "-", plain).strip(".-")
    stem, dot, ending = kept.rpartition(".")
    if not dot or len(ending) >= KEPT_OF_NAME:
        return kept[:KEPT_OF_NAME] or "image"
    return f"{stem[: KEPT_OF_NAME - len(ending) - 1]}.{ending}"


def last_part(key: str) -> str:
    return key.rsplit("/", 1)[-1] or key


def shown(record: Record) -> int:
    """The run that the image is shown by: what is published, else the current one."""
    return record.run if record.published is None else record.published


def status_of(record: Record) -> Shown:
    return SHOWN[record.runs[shown(record)].status]


def failure_of(run: Run) -> FullFailure | None:
    if run.failure is None:
        return None
    told = run.failure
    return FullFailure(
        stage=told.stage, reason=told.reason, detail=told.detail, fault=told.fault.value
    )


def runs_of(record: Record) -> tuple[RunState, ...]:
    return tuple(
        RunState(
            run=number, status=record.status(number).value, started=run.started, ended=run.ended
        )
        for number, run in sorted(record.runs.items())
    )


def compensated(record: Record) -> tuple[Compensated, ...]:
    """What the record knows was made for runs whose verdict is to compensate it."""
    gone = (RunStatus.FAILED, RunStatus.SUPERSEDED)
    return tuple(
        Compensated(
            run=number,
            renditions=tuple(each.name for each in run.resized.renditions) if run.resized else (),
            analysis=run.analyzed is not None,
        )
        for number, run in sorted(record.runs.items())
        if record.status(number) in gone and (run.resized or run.analyzed)
    )


def shown_hop(hop: hops.TimelineHop) -> HopView:
    """A hop as the API shows it."""
    return HopView(
        service=hop.service,
        type=hop.type,
        event=hop.event,
        run=hop.run,
        at=_utc(hop.began),
        waited_ms=_milliseconds(hop.waited),
        worked_ms=_milliseconds(hop.worked),
        completed=None if hop.completed is None else _utc(hop.completed),
        attempts=hop.attempts,
        state=hop.state,
    )


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
