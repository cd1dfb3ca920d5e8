"""Which effects were cut off from the note that they took place: the protocol's two windows.

(a) is between Rekognition's answer and the keeping of it, (b) between SNS taking a notification and
the ledger's note of that. Only what was cut off there may be repeated.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock


@dataclass(frozen=True)
class Repeated:
    """How often an effect took place, and after how many of these its note was cut off."""

    times: int
    cut: int

    @property
    def unexcused(self) -> int:
        """Repeats that no window accounts for."""
        return max(0, self.times - 1 - self.cut)


@dataclass
class Window:
    """Effects by whatever names them. Safe to use from several threads."""

    _cuts: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Of each effect and each time it took place: what cut it off, or nothing."""
    _open: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def effect(self, name: str) -> None:
        """It took place (once more)."""
        with self._lock:
            self._cuts[name].append("")
            self._open.add(name)

    def noted(self, name: str) -> None:
        """Whoever comes next will know, whatever came between meanwhile."""
        with self._lock:
            if name in self._open:
                self._open.remove(name)
                self._cuts[name][-1] = ""

    def cut(self, name: str, by: str) -> None:
        """Something came between the effect and its note; nothing, if no effect is without one."""
        with self._lock:
            if name in self._open:
                self._cuts[name][-1] = self._cuts[name][-1] or by

    def seen(self) -> dict[str, Repeated]:
        with self._lock:
            return {
                name: Repeated(len(cuts), sum(map(bool, cuts))) for name, cuts in self._cuts.items()
            }

    def cuts(self) -> list[str]:
        """What it was each time."""
        with self._lock:
            return [by for cuts in self._cuts.values() for by in cuts if by]
