"""The filters of a list of images, and the index partition that answers them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from services.api.problems import InvalidField, Problem, invalid_request
from shared.contracts.search_index import ALL, FLAGGED, Shown, at, by_label, by_owner, by_status

Row = Mapping[str, Any]

YEARS = range(1970, 9999)


@dataclass(frozen=True)
class Filters:
    """Selects images; None matches all. Confidence is in percent, times are aware."""

    label: str | None = None
    confidence: float | None = None
    status: Shown | None = None
    flagged: bool | None = None
    owner: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Problem ``invalid-request`` for a period that cannot contain an image."""
        times = [time for time in (self.since, self.until) if time]
        if any(time.year not in YEARS for time in times):
            raise _invalid_period("a year has four digits and is not before 1970")
        if self.since and self.until and self.since > self.until:
            raise _invalid_period("from is later than to")

    @property
    def partition(self) -> str:
        """The partition that answers most of the filters; ``matches`` checks the others.

        The owner's comes first. So neither a read nor a cursor touches another owner's images.
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
        """The first and the last range key of the period, both included."""
        return (
            at(self.since) if self.since else "0",
            f"{at(self.until)}~" if self.until else "~",
        )

    @property
    def digest(self) -> str:
        """Identifies these filters in a cursor."""
        return sha256(repr(self).encode()).hexdigest()[:16]

    def matches(self, entry: Row) -> bool:
        """Whether an entry of ``partition`` passes all filters."""
        return (
            (self.status is None or entry["status"] == self.status)
            and (self.flagged is None or entry["flagged"] == self.flagged)
            and (self.owner is None or entry.get("owner") == self.owner)
            and ((self.label is None and self.confidence is None) or self._has_label(entry))
        )

    def _has_label(self, entry: Row) -> bool:
        """Whether it has the label, or any label, with at least this confidence."""
        minimum = self.confidence or 0
        if self.label is not None and "confidence" in entry:
            return bool(entry["confidence"] >= minimum)
        return any(
            label["confidence"] >= minimum
            for label in labels_of(entry)
            if self.label in (None, label["name"])
        )


def labels_of(entry: Row) -> Sequence[Row]:
    """An entry's labels: all of them in an owner's partition, the most certain five in others."""
    return entry.get("all_labels") or entry.get("labels") or ()


def _invalid_period(reason: str) -> Problem:
    return invalid_request([InvalidField(location="query.from", detail=reason)])
