"""A simulation that delivers its messages by itself, for tests that follow a few uploads.

It is the engine of every schedule. A script changes three things: the workers take turns instead of
interleaving, real pictures are resized, and it names the moments at which a worker dies.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.analyze.logic import Detection, Thresholds
from services.resize import logic as pictures
from services.store.logic import Policy
from shared.contracts.envelope import Envelope
from shared.message import message_records, read
from tests.fakes import s3_notification
from tests.lab.simulator.parts import Killed, Notifications, Recognizer
from tests.lab.simulator.simulation import Sent, Simulation
from tests.lab.simulator.wiring import Parts

DETECT = {
    Policy.FLAG: (Detection.LABELS,),
    Policy.QUARANTINE: (Detection.LABELS, Detection.MODERATION),
}


class ScriptedRecognizer(Recognizer):
    """A Rekognition that raises ``failures`` one by one, then answers; ``flags`` are its labels of
    moderation.
    """

    def __init__(self, saga: "ScriptedSaga") -> None:
        super().__init__(saga)
        self.saga = saga
        self.failures: list[Exception] = []
        self.flags: list[str] = []
        self.paid = saga.seen.paid

    def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> dict[str, Any]:
        if self.failures:
            self.saga.fail(self.failures.pop(0))
        answer = super().ask(detection, key, thresholds)
        if detection is not Detection.MODERATION:
            return answer
        _, image, run, _ = key.split("/")
        if self.flags:
            self.saga.flagged_runs.add((image, int(run)))
        return {"ModerationLabels": [{"Name": n, "Confidence": 99.1} for n in self.flags]}


class ScriptedNotifications(Notifications):
    """The notifications topic; ``sent`` lists what it accepted, in order."""

    def __init__(self, saga: "ScriptedSaga") -> None:
        super().__init__(saga)
        self.sent: list[Any] = []

    def send(self, notification: Any) -> None:
        super().send(notification)
        self.sent.append(notification)


class ScriptedSaga(Simulation):
    """All services. Messages are delivered in order, or in a random order drawn from ``seed``.

    ``copies`` is how often each message is on its queue. ``kill_at`` are indices into ``moments``;
    ``kill_always`` and ``kill_once`` name a moment: ``"analyze: before recognizer.ask"``.
    """

    def __init__(
        self, seed: int | None = None, *, copies: int = 1, policy: Policy = Policy.FLAG
    ) -> None:
        self.random = random.Random(seed) if seed is not None else None
        self.copies = copies
        self.moments: list[str] = []
        self.kill_at: set[int] = set()
        self.kill_always = self.kill_once = ""
        self.killed: list[str] = []
        self.published: list[Envelope] = []
        self.flagged_runs: set[tuple[str, int]] = set()
        super().__init__(policy)

    def _parts(self) -> Parts:
        self.recognizer = ScriptedRecognizer(self)
        self.notifications = ScriptedNotifications(self)
        return replace(
            super()._parts(),
            recognizer=self._watched(self.recognizer, "recognizer"),
            notifications=self._watched(self.notifications, "notifications"),
            develop=pictures.develop,
            detect=DETECT[self.policy],
        )

    def flagged(self, image: str, run: int) -> bool:
        return (image, run) in self.flagged_runs

    # ---- moments ---------------------------------------------------------------------------------

    def moment(self, what: str) -> None:
        super().moment(what)
        assert self.current
        name = f"{self.current.service}: {what}"
        self.moments.append(name)
        once = name == self.kill_once and name not in self.killed
        if len(self.moments) - 1 in self.kill_at or name == self.kill_always or once:
            self.killed.append(name)
            raise Killed(name)

    def fail(self, error: Exception) -> None:
        """Let the call that the worker is in raise this error."""
        assert self.current
        self._charge(self.current, error)
        raise error

    # ---- messages --------------------------------------------------------------------------------

    def upload(self, body: bytes, key: str = "cat.jpg", **metadata: str) -> str:
        """Put an original, and send S3's notification of it. Returns the image's id."""
        self.uploads.put(key, body, "image/jpeg", metadata=metadata)
        version = f"v{len(self.uploads.versions[key])}"
        notification = s3_notification(("uploads", key, body), version=version)
        self.post("resize", notification)
        self.images[key] = read(*message_records(notification)).subject
        return self.images[key]

    def publish(self, envelope: Envelope) -> None:
        self.published.append(envelope)
        super().publish(envelope)

    def send(self, service: str, what: str, body: str) -> Sent:
        for _ in range(self.copies - 1):
            super().send(service, what, body)
        return super().send(service, what, body)

    def post(self, service: str, body: str) -> None:
        """Put a message on a service's queue."""
        self.send(service, "posted", body)

    def withdraw(self, service: str) -> str:
        """Take the latest message off a service's queue. Returns its body."""
        name = [m.name for m in self.messages.values() if m.consumer == service][-1]
        return self.messages.pop(name).body

    # ---- time ------------------------------------------------------------------------------------

    def run(self, deliveries: int = 2000) -> None:
        """Deliver until every queue is empty; time passes while nothing is visible."""
        for _ in range(deliveries):
            if not self.messages:
                return
            self._deliver_next()
        raise AssertionError(f"does not come to rest: {list(self.messages)}")

    def run_for(self, seconds: float) -> None:
        """Deliver what becomes visible within so many seconds."""
        end = self.now + seconds
        while any(message.visible_at <= end for message in self.messages.values()):
            self._deliver_next()

    def _deliver_next(self) -> None:
        visible = self._in_order(self.visible())
        if visible:
            self.handle(self.random.choice(visible) if self.random else visible[0])
        else:
            self.now = min(message.visible_at for message in self.messages.values()) + 0.001

    def _in_order(self, messages: Sequence[Sent]) -> list[Sent]:
        """Dead letters first, then by service as the services are wired."""
        order = ["rescue", *self.services]
        return sorted(messages, key=lambda message: order.index(message.consumer))

    # ---- results ---------------------------------------------------------------------------------

    def left(self, prefix: str = "") -> list[str]:
        """The keys of the processed bucket that begin with ``prefix``."""
        return list(self.processed.keys(prefix))

    def outcomes(self) -> list[str]:
        """The status of every notification, in order."""
        return [notification.attributes["status"] for notification in self.notifications.sent]
