"""The whole saga in memory: the real consumer, routes and steps over a topic, queues and a clock.

Every touch of the world outside a service is a *side effect*; the world can kill the worker right
before or right after any one of them, deliver twice, and deliver in any order.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.analyze.logic import Detection, Thresholds
from services.rescue.steps import Steps as RescueSteps
from services.store.logic import Policy
from shared.consumer import answer_batch, consume
from shared.delivery import Service
from shared.message import message_records, read
from shared.testing import (
    Clock,
    FixedTime,
    MemoryLedger,
    MemoryObjects,
    MemoryRecords,
    s3_notification,
)
from tests.saga.wiring import Parts, services
from tests.unit.store.memory import MemorySearchIndex

DETECT = {
    Policy.FLAG: (Detection.LABELS,),
    Policy.QUARANTINE: (Detection.LABELS, Detection.MODERATION),
}
VISIBILITY = 180.0
MAX_RECEIVES = 100


class Killed(BaseException):
    """The worker's process is gone: nothing after this line runs, not even an ``except``."""


class Watched:
    """A part of the world whose every call is two moments: before it takes effect, and after."""

    def __init__(self, part: Any, name: str, moment: Callable[[str], None]) -> None:
        self._part, self._name, self._moment = part, name, moment

    def __getattr__(self, name: str) -> Any:
        call, moment = getattr(self._part, name), self._moment
        before, after = f"before {self._name}.{name}", f"after {self._name}.{name}"

        def watched(*args: Any, **kwargs: Any) -> Any:
            moment(before)
            answer = call(*args, **kwargs)
            moment(after)
            return answer

        self.__dict__[name] = watched  # found there the next time
        return watched


@dataclass
class Delivery:
    """A message on a queue."""

    id: str
    body: str
    attributes: Mapping[str, str]
    sent: float
    visible_at: float
    receives: int = 0


@dataclass
class Recognizer:
    """A Rekognition that sees a cat, counts what it is paid for, and flags and fails as told."""

    paid: Counter[str] = field(default_factory=Counter)
    failures: list[Exception] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> dict[str, Any]:
        if self.failures:
            raise self.failures.pop(0)
        self.paid[key] += 1
        if detection is Detection.MODERATION:
            return {"ModerationLabels": [{"Name": n, "Confidence": 99.1} for n in self.flags]}
        return {"Labels": [{"Name": "Cat", "Confidence": 98.7}], "LabelModelVersion": "3.0"}


@dataclass
class Told:
    """The notifications topic: what was heard, in order."""

    heard: list[Any] = field(default_factory=list)

    def send(self, words: Any) -> None:
        self.heard.append(words)


class World:
    """All services, wired as infra wires them."""

    def __init__(
        self, seed: int | None = None, *, copies: int = 1, policy: Policy = Policy.FLAG
    ) -> None:
        self.random = random.Random(seed) if seed is not None else None
        self.copies = copies
        self.clock = Clock()
        self.uploads, self.processed = MemoryObjects(), MemoryObjects()
        self.records, self.ledger = MemoryRecords(), MemoryLedger()
        self.lists = MemorySearchIndex()
        self.recognizer, self.told = Recognizer(), Told()
        self.moments: list[str] = []
        self.kill_at: set[int] = set()
        self.kill_always = self.kill_once = ""
        self.killed: list[str] = []
        self.worker = ""
        self.dead: list[tuple[str, Delivery]] = []
        self.published: list[Any] = []
        self.policy = policy
        self.services = self._services()
        self.queues = {name: [] for name in self.services}
        self.rescue = RescueSteps(
            kept=self._watched(self.processed, "kept"),
            bus=self._watched(self, "bus"),
            now=self.at,
        )

    # ---- the parts -------------------------------------------------------------------------------

    def _services(self) -> dict[str, Service]:
        return services(
            Parts(
                uploads=self._watched(self.uploads, "uploads"),
                processed=self._watched(self.processed, "processed"),
                index=self._watched(self.processed, "index"),
                records=self._watched(self.records, "records"),
                lists=self._watched(self.lists, "lists"),
                runs=self._watched(self.records, "runs"),
                ledger=self._watched(self.ledger, "ledger"),
                recognizer=self._watched(self.recognizer, "recognizer"),
                told=self._watched(self.told, "told"),
                bus=self._watched(self, "bus"),
                queue=lambda name: self._watched(Mailbox(self, name), "queue"),
                clock=self.clock,
                detect=DETECT[self.policy],
                policy=self.policy,
            )
        )

    def _watched(self, part: Any, name: str) -> Any:
        return Watched(part, name, self._moment)

    def _moment(self, what: str) -> None:
        name = f"{self.worker}: {what}"
        self.moments.append(name)
        first = name not in self.killed
        if (
            len(self.moments) - 1 in self.kill_at
            or name == self.kill_always
            or (name == self.kill_once and first)
        ):
            self.killed.append(name)
            raise Killed(name)

    # ---- the topic and the queues ----------------------------------------------------------------

    def publish(self, envelopes: Any) -> None:
        for envelope in envelopes:
            self.published.append(envelope)
            for name, service in self.services.items():
                if type(envelope.data) in service.routes:
                    for _ in range(self.copies):
                        self.send(name, envelope.to_json())

    def send(self, service: str, body: str) -> None:
        queue = self.queues[service]
        identifier = f"{service}-{sum(map(len, self.queues.values()))}-{len(self.moments)}"
        queue.append(Delivery(identifier, body, {}, self.clock(), self.clock()))

    def upload(self, body: bytes, key: str = "cat.jpg", **metadata: str) -> str:
        """Put an original and let S3 tell of it; the image's id."""
        self.uploads.put(key, body, "image/jpeg", metadata=metadata)
        version = f"v{len(self.uploads.versions[key])}"
        notification = s3_notification(("uploads", key, body), version=version)
        for _ in range(self.copies):
            self.send("resize", notification)
        return read(*message_records(notification)).subject

    # ---- time ------------------------------------------------------------------------------------

    def run(self, deliveries: int = 2000) -> None:
        """Deliver until every queue is empty, moving the clock when nothing is visible."""
        for _ in range(deliveries):
            waiting = [(name, d) for name, queue in self.queues.items() for d in queue]
            if not waiting and not self.dead:
                return
            self._step(waiting)
        raise AssertionError(f"does not end: {waiting}")

    def run_for(self, seconds: float) -> None:
        """Deliver what becomes visible within so many seconds."""
        end = self.clock() + seconds
        while waiting := [
            (name, d) for name, queue in self.queues.items() for d in queue if d.visible_at <= end
        ]:
            self._step(waiting)

    def _step(self, waiting: list[tuple[str, Delivery]]) -> None:
        if self.dead:
            self._rescue(*self.dead.pop(0))
            return
        visible = [one for one in waiting if one[1].visible_at <= self.clock()]
        if not visible:
            soonest = min(delivery.visible_at for _, delivery in waiting)
            self.clock.advance(soonest - self.clock() + 0.001)
            return
        self._deliver(*(self.random.choice(visible) if self.random else visible[0]))

    def _deliver(self, name: str, delivery: Delivery) -> None:
        delivery.receives += 1
        if delivery.receives > MAX_RECEIVES:
            self.queues[name].remove(delivery)
            self.dead.append((name, delivery))
            return
        delivery.visible_at = self.clock() + VISIBILITY
        self.worker = name
        try:
            answer = consume(self.services[name], batch_of(name, delivery), FixedTime())
        except Killed:
            return
        if not answer["batchItemFailures"]:
            self.queues[name].remove(delivery)

    def _rescue(self, name: str, delivery: Delivery) -> None:
        self.worker = "rescue"
        try:
            answer = answer_batch(
                batch_of(f"{name}-dead", delivery), self.rescue.rescue, lambda *_: None
            )
        except Killed:
            answer = {"batchItemFailures": [delivery]}
        if answer["batchItemFailures"]:
            self.dead.append((name, delivery))

    # ---- what is left ----------------------------------------------------------------------------

    def at(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def left(self, prefix: str = "") -> list[str]:
        return list(self.processed.keys(prefix))

    def outcomes(self) -> list[str]:
        return [words.attributes["status"] for words in self.told.heard]


@dataclass
class Mailbox:
    """One service's own queue, as its consumer sees it."""

    world: World
    name: str

    def retry_later(self, waits: Iterable[tuple[Any, float]]) -> None:
        back = {message.id: seconds for message, seconds in waits}
        for delivery in self.world.queues[self.name]:
            if delivery.id in back:
                delivery.visible_at = self.world.clock() + back[delivery.id]

    def dead_letter(self, body: str, reason: str, detail: str) -> None:
        now = self.world.clock()
        words = {"reason": reason, "detail": detail}
        identifier = f"dead-{self.name}-{len(self.world.moments)}"
        self.world.dead.append((self.name, Delivery(identifier, body, words, now, now)))


def batch_of(queue: str, delivery: Delivery) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": delivery.id,
                "receiptHandle": delivery.id,
                "body": delivery.body,
                "attributes": {
                    "SentTimestamp": str(int(delivery.sent * 1000)),
                    "ApproximateReceiveCount": str(delivery.receives),
                },
                "messageAttributes": {
                    name: {"stringValue": value} for name, value in delivery.attributes.items()
                },
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:darkroom-test-{queue}",
            }
        ]
    }
