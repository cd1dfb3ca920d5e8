"""Record what passes the proxy: effects, faults, and effects whose completion was interrupted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from threading import Lock

from services.analyze.logic import Detection
from tests.lab.chaos.calls import Call, paid_call_name
from tests.lab.chaos.faults import LATE, Fault
from tests.lab.chaos.windows import Window

PROCESS_ENDED = "its process ended"


@dataclass
class Recorder:
    """Count effects, not requests: a refused or lost request has no effect."""

    paid_calls: Window = field(default_factory=Window)
    """Window (a), by ``<image>/<run>/<detection>``."""
    notifications: Window = field(default_factory=Window)
    """Window (b), by notification id."""
    writes: Counter[str] = field(default_factory=Counter)
    """S3 objects written, by key."""
    calls: Counter[str] = field(default_factory=Counter)
    """Requests, by the call's name."""
    faults: Counter[str] = field(default_factory=Counter)
    """Injected faults, by kind."""
    returned_messages: int = 0
    """Messages returned to their queues."""
    events: list[str] = field(default_factory=list)
    """Envelopes published to the events topic, in order."""
    _keys: dict[str, str] = field(default_factory=dict)
    """The key of each object written, by its sha256."""
    _lock: Lock = field(default_factory=Lock)

    def identify(self, call: Call) -> Call:
        """Add the paid call's name to a Bedrock request, which holds only the picture."""
        if not call.picture_digest:
            return call
        with self._lock:
            key = self._keys.get(call.picture_digest, "")
        return replace(call, paid_call=paid_call_name(key, Detection.EMBEDDING))

    def record_request(self, call: Call, fault: Fault | None) -> None:
        with self._lock:
            self.calls[call.name] += 1
            self.faults.update([fault.kind] if fault else [])

    def record_prevented(self, call: Call, fault: Fault) -> None:
        """The request did not reach the service, so nothing was completed or stored."""
        self.notifications.interrupt(call.completed_notification, fault.kind)
        for answer in call.stored_answers:
            self.paid_calls.interrupt(answer, fault.kind)

    def record_answer(self, call: Call, status: int, fault: Fault | None) -> None:
        """The service answered. With a late fault, the answer does not reach the caller."""
        if status != HTTPStatus.OK:
            return
        with self._lock:
            self._count(call)
        self.notifications.complete(call.completed_notification)
        for answer in call.stored_answers:
            self.paid_calls.complete(answer)
        effects = (self.notifications, call.notification), (self.paid_calls, call.paid_call)
        for window, name in effects:
            if name:
                window.add_effect(name)
            if name and fault and fault.kind in LATE:
                window.interrupt(name, fault.kind)

    def record_no_answer(self, call: Call) -> None:
        """The service did not answer, and no fault was injected."""
        with self._lock:
            self.faults[f"no answer to {call.name}"] += 1

    def record_disconnect(self, effects: Iterable[Call]) -> None:
        """The connection that carried these calls closed: the calling process ended."""
        for call in effects:
            self.notifications.interrupt(call.notification, PROCESS_ENDED)
            self.paid_calls.interrupt(call.paid_call, PROCESS_ENDED)

    def _count(self, call: Call) -> None:
        if call.key:
            self.writes[call.key] += 1
            self._keys[call.digest] = call.key
        self.returned_messages += call.returned_messages
        if call.event:
            self.events.append(call.event)
