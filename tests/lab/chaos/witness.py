"""What the proxy saw: effects that took place, and what came between them and their notes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from threading import Lock

from services.analyze.logic import Detection
from tests.lab.chaos.calls import Call, paid_for
from tests.lab.chaos.faults import LATE, Fault
from tests.lab.chaos.windows import Window


@dataclass
class Witness:
    """Counts effects, not calls: what was refused, or never got through, is not among them."""

    paid: Window = field(default_factory=Window)
    """Window (a), by ``<image>/<run>/<detection>``."""
    told: Window = field(default_factory=Window)
    """Window (b), by the notification's id."""
    puts: Counter[str] = field(default_factory=Counter)
    """Objects written, by key."""
    calls: Counter[str] = field(default_factory=Counter)
    """All that was asked, by the call's name."""
    faults: Counter[str] = field(default_factory=Counter)
    """All that went wrong on purpose, by kind."""
    returned: int = 0
    """Messages that a queue was to take back."""
    published: list[str] = field(default_factory=list)
    """Envelopes that the events topic took, in order."""
    _keys: dict[str, str] = field(default_factory=dict)
    """Of each object written, by its sha256, the key."""
    _lock: Lock = field(default_factory=Lock)

    def recognized(self, call: Call) -> Call:
        """The call with what it pays for, where it only shows the picture."""
        if not call.shows:
            return call
        with self._lock:
            key = self._keys.get(call.shows, "")
        return replace(call, pays=paid_for(key, Detection.EMBEDDING))

    def asked(self, call: Call, fault: Fault | None) -> None:
        with self._lock:
            self.calls[call.name] += 1
            self.faults.update([fault.kind] if fault else [])

    def prevented(self, call: Call, fault: Fault) -> None:
        """The service never heard of it; so if it was a note, that was not made."""
        self.told.cut(call.settles, fault.kind)
        for answer in call.keeps:
            self.paid.cut(answer, fault.kind)

    def answered(self, call: Call, status: int, fault: Fault | None) -> None:
        """The service has answered; with a late fault, the caller does not hear of it."""
        if status != HTTPStatus.OK:
            return
        with self._lock:
            self._count(call)
        self.told.noted(call.settles)
        for answer in call.keeps:
            self.paid.noted(answer)
        for window, name in ((self.told, call.tells), (self.paid, call.pays)):
            if name:
                window.effect(name)
            if name and fault and fault.kind in LATE:
                window.cut(name, fault.kind)

    def silent(self, call: Call) -> None:
        """The service did not answer, and nobody had asked for that."""
        with self._lock:
            self.faults[f"no answer to {call.name}"] += 1

    def hung_up(self, effects: Iterable[Call]) -> None:
        """The connection that these came by is gone, and with it the process behind it."""
        for call in effects:
            self.told.cut(call.tells, "its process ended")
            self.paid.cut(call.pays, "its process ended")

    def _count(self, call: Call) -> None:
        if call.puts:
            self.puts[call.puts] += 1
            self._keys[call.digest] = call.puts
        self.returned += call.returns
        if call.announces:
            self.published.append(call.announces)
