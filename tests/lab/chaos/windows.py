"""Count effects whose completion was interrupted: the protocol's windows (a) and (b).

Window (a) lies between Rekognition's answer and storing it. Window (b) lies between SNS accepting a
notification and completing its claim. Only an effect that was interrupted there may be repeated.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock


@dataclass(frozen=True)
class EffectCount:
    """How often an effect happened, and how often it was interrupted before its completion."""

    times: int
    interrupted: int

    @property
    def unexplained(self) -> int:
        """Repeats that no interruption explains."""
        return max(0, self.times - 1 - self.interrupted)


@dataclass
class Window:
    """Effects by name, each with the causes that interrupted it. Thread-safe."""

    _causes: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """For each effect and each time it happened: what interrupted it, or an empty string."""
    _open: set[str] = field(default_factory=set)
    """Effects that are not completed."""
    _lock: Lock = field(default_factory=Lock)

    def add_effect(self, name: str) -> None:
        """Record that the effect happened (again)."""
        with self._lock:
            self._causes[name].append("")
            self._open.add(name)

    def complete(self, name: str) -> None:
        """Record that the effect is completed; an earlier interruption no longer counts."""
        with self._lock:
            if name in self._open:
                self._open.remove(name)
                self._causes[name][-1] = ""

    def interrupt(self, name: str, cause: str) -> None:
        """Record an interruption; no effect if nothing of this name is open."""
        with self._lock:
            if name in self._open:
                self._causes[name][-1] = self._causes[name][-1] or cause

    def counts(self) -> dict[str, EffectCount]:
        with self._lock:
            return {
                name: EffectCount(len(causes), sum(map(bool, causes)))
                for name, causes in self._causes.items()
            }

    def interruptions(self) -> list[str]:
        """The cause of each interruption."""
        with self._lock:
            return [cause for causes in self._causes.values() for cause in causes if cause]
