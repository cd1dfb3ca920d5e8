"""The evidence of a schedule: the effects that the promises are checked against at its end."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.envelope import Envelope
from shared.contracts.images import Decision, StepFailed
from shared.contracts.notification import STATUS

Paid = tuple[str, int, str]
"""One detection of one run: image, run, detection."""
RENDITION = re.compile(r"renditions/([0-9a-f-]+)/(\d+)/")
OUTAGE = "unavailable"
"""The reason of every transient error that a schedule injects."""


@dataclass(frozen=True)
class Violation:
    """A broken promise; ``kind`` names it without the image."""

    kind: str
    about: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.about}"


@dataclass
class Evidence:
    """Counters count effects, not calls: a call that failed before its effect is not counted.

    ``excused`` counts, for each effect that may be repeated, the workers that ended between it and
    the note of it: windows (a) and (b) of the protocol, and (g) for who outlived its lease.
    """

    paid: Counter[Paid] = field(default_factory=Counter)
    notified: Counter[str] = field(default_factory=Counter)
    statuses: defaultdict[tuple[str, int], set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )
    excused: Counter[Paid | str] = field(default_factory=Counter)
    windows: Counter[str] = field(default_factory=Counter)
    outcomes: defaultdict[tuple[str, int, str], set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )
    contents: defaultdict[str, list[object]] = field(default_factory=lambda: defaultdict(list))
    """The different contents of each id: events, and notifications as JSON."""
    outcome_ids: set[str] = field(default_factory=set)
    attempts: defaultdict[tuple[str, str], set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )
    requests: Counter[str] = field(default_factory=Counter)
    """Replays that somebody asked for, by image: copies of one request count once."""
    moments: set[tuple[str, str]] = field(default_factory=set)
    """Every service and moment that a worker came to: right before, or right after, one effect."""
    killed: set[tuple[str, str]] = field(default_factory=set)
    """Those that one of them died at."""
    poison: set[tuple[str, str]] = field(default_factory=set)
    """The unreadable messages that were sent, by service, as they must be dead-lettered."""
    late: set[str] = field(default_factory=set)
    """Keys of objects that landed after their worker's death, or were written past its lease by one
    that died of it: window (d). Only an audit finds those that are left.
    """
    quarantined: set[tuple[str, int]] = field(default_factory=set)
    """Image and run of what completed flagged under quarantine, before any release."""
    released: set[str] = field(default_factory=set)
    release_due: set[str] = field(default_factory=set)
    """Images of which a release was asked for while something was quarantined."""
    origins: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    """Of each image and run, whose answers its first document has: its own, or those it reuses."""
    outlived: bool = False
    """Whether any worker has outlived its lease."""
    violations: list[Violation] = field(default_factory=list)

    def broken(self, kind: str, about: object) -> None:
        self.violations.append(Violation(kind, str(about)))

    def waits(self, image: str, run: int | None) -> bool:
        """Whether this run's renditions are kept until somebody has looked at the picture."""
        return (image, run) in self.quarantined and image not in self.released

    def analysis_written(self, image: str, run: int, analysis: Mapping[str, Any]) -> None:
        """This run's own analysis was written. A late worker may write another one: window (g)."""
        reused = analysis.get("reused_from")
        origin = (reused["image"], reused["run"]) if reused else (image, run)
        self.origins.setdefault((image, run), origin)

    def asked(self, image: str, run: int) -> tuple[str, int]:
        """The image and run that Rekognition was asked about for what this one says."""
        origin = self.origins.get((image, run), (image, run))
        return origin if origin == (image, run) else self.asked(*origin)

    def published_text(self, words: str) -> None:
        """Record a text that is readable outside from now on."""
        for image, run in RENDITION.findall(words):
            if self.waits(image, int(run)):
                self.broken("a quarantined rendition was published", f"run {run} of {image}")

    def record_content(self, identity: str, words: object) -> None:
        if words not in self.contents[identity]:
            self.contents[identity].append(words)

    def published(self, envelope: Envelope, budget: int) -> None:
        event = envelope.data
        self.record_content(envelope.id, event)
        if isinstance(event, StepFailed):
            self._reported(envelope, event, budget)
        elif isinstance(event, Decision):
            self.outcomes[event.image, event.run, event.type].add(envelope.id)
            if type(event) in STATUS:
                self.outcome_ids.add(envelope.id)

    def _reported(self, envelope: Envelope, event: StepFailed, budget: int) -> None:
        """A step reports an unavailable dependency only after its last attempt."""
        if event.reason == OUTAGE and envelope.source == f"darkroom/{event.stage}":
            self.gave_up(event.stage, envelope.causationid, budget)

    def gave_up(self, service: str, cause: str, budget: int) -> None:
        tried = len(self.attempts[service, cause])
        if tried < budget:
            self.broken("gave up before its last attempt", f"{service} after {tried}, {cause}")
