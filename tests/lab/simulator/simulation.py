"""One schedule: the real consumer, routes, steps and rescue, interleaved over memory and a clock.

Each delivery runs in a greenlet of its own that stops before and after every side effect, so two
workers can be halfway through one message, and either can be frozen, fail or die there. Whatever
happens to them is an ``Action``; the same actions always give the same end.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import inf
from typing import Any

from greenlet import getcurrent, greenlet

from services.reap.steps import Steps as ReapSteps
from services.rescue.steps import Steps as RescueSteps
from services.store.logic import Policy
from shared import consumer
from shared.consumer import answer_batch, consume
from shared.contracts import envelope as wire
from shared.contracts.envelope import Envelope, Event
from shared.contracts.images import (
    DeleteRequested,
    ReleaseRequested,
    ReplayRequested,
)
from shared.contracts.record import RunStatus
from shared.contracts.uploads import read_upload
from shared.errors import DarkroomError, Fault, PermanentError, Throttled, TransientError
from shared.ledger import Claim
from tests.fakes import MemoryObjects, MemoryRecords, s3_notification
from tests.lab.simulator.evidence import OUTAGE, Evidence
from tests.lab.simulator.parts import (
    BAD,
    DEADLY,
    DETECTIONS,
    GOOD,
    DirectTopic,
    Inline,
    Killed,
    Ledger,
    Notifications,
    Processed,
    Queue,
    Recognizer,
    Records,
    RememberedPictures,
    TimeLeft,
    Topic,
    Watched,
)
from tests.lab.simulator.wiring import LIMITS, Parts, services
from tests.unit.reap.memory import PagedUploads
from tests.unit.store.memory import MemorySearchIndex

VISIBILITY = 180.0
MAX_RECEIVES = 100
BEGINNING = 1_800_000_000.0
AHEAD = timedelta(seconds=10)
"""More than any clock is ahead of the reaper's, which waits for nothing."""
ERRORS: dict[str, Callable[[], DarkroomError]] = {
    "transient": lambda: TransientError(OUTAGE, "unavailable"),
    "throttled": lambda: Throttled("throttled", "slow down"),
    "permanent": lambda: PermanentError("forbidden", "no", fault=Fault.INTERNAL),
}
MEMOIZED = tuple(map(lru_cache(4096), (consumer.message_records, consumer.read, wire.uuid5)))
IDLE: list[greenlet] = []
"""Greenlets without work. To map a stack for a new one takes longer than many a step."""
DRAIN = 4000
"""Deliveries within which everything must have come to rest once nothing fails any more."""


OPTIONAL = {"index.put", "runs.resized"}
"""Moments of making an entry in the index of analysed content: it is not worth a try."""
BROKEN = {"eventName": "ObjectCreated:Put", "s3": "unreadable"}
POISON: dict[str, str] = {
    "junk": "this is not JSON",
    "list": "[]",
    "type": json.dumps({"type": "image.enlarged.v1", "data": {}}),
    "version": json.dumps({"type": "image.resized.v9", "data": {}}),
    "bare": json.dumps({"type": "image.resized.v1", "data": {}}),
    "half": json.dumps({"Records": [BROKEN]}),
}
"""What no service can handle, by kind; ``half`` comes in one notification with a good one."""


ABOUT_IMAGES = frozenset({"again", "delete", "poison", "release", "replay", "stuck", "vanish"})
"""Verbs that mean nothing before there is an upload."""


@dataclass(frozen=True)
class Action:
    """One thing that happens: a verb of ``Simulation.do``, to whom, and how much of it."""

    verb: str
    names: tuple[str, ...] = ()
    value: float | str = 0

    def __str__(self) -> str:
        value = f"{self.value:g}" if isinstance(self.value, float | int) else self.value
        return " ".join((self.verb, *self.names, *([value] if self.value else [])))


@dataclass
class Sent:
    """A message on a queue, or on a service's dead-letter queue where ``dead``."""

    name: str
    service: str
    body: str
    sent: float
    visible_at: float
    dead: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    receives: int = 0
    unacknowledged: bool = False
    """Its next acknowledgement is lost."""

    @property
    def consumer(self) -> str:
        return "rescue" if self.dead else self.service

    def record(self) -> dict[str, Any]:
        queue = f"{self.service}-dead" if self.dead else self.service
        return {
            "messageId": self.name,
            "receiptHandle": self.name,
            "body": self.body,
            "attributes": {
                "SentTimestamp": str(int(self.sent * 1000)),
                "ApproximateReceiveCount": str(self.receives),
            },
            "messageAttributes": {
                name: {"stringValue": value} for name, value in self.attributes.items()
            },
            "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:darkroom-test-{queue}",
        }


@dataclass
class Worker:
    """One invocation. ``at`` is the moment it stands at."""

    name: str
    service: str
    messages: list[Sent]
    started: float
    skew: float
    policy: Policy
    greenlet: Any = None
    at: str = ""
    done: bool = False
    passes: float = 0
    """Moments that it may go through without standing still."""
    until: str = ""
    """The moment that it stops at, however many it may pass."""
    claim: Claim | None = None
    arrived: float = 0.0
    """When it came there, by its own clock."""
    status_read_at: float = 0.0
    """When it last read what became of a run, by its own clock."""
    left: float = 0.0
    """s. Its time left when it asked last."""
    overran: bool = False
    strands: bool = False
    """It dies of its next write, which S3 applies later."""
    wrote: set[str] = field(default_factory=set)
    """What it has put since its lease ran out."""
    asked: set[Any] = field(default_factory=set)
    unrecorded: set[Any] = field(default_factory=set)
    """What it paid for and has not stored, and the notifications whose claim is not completed."""


@contextmanager
def memoized() -> Iterator[None]:
    """What a text says, and the id that a name gives, follow from these alone: each is worked out
    once, however often it is delivered or said, and in however many schedules.
    """
    before = consumer.message_records, consumer.read, wire.uuid5
    consumer.message_records, consumer.read, wire.uuid5 = MEMOIZED
    try:
        yield
    finally:
        consumer.message_records, consumer.read, wire.uuid5 = before


def _work_forever(work: Callable[[], None]) -> None:
    """A greenlet's life: one work after another, idle between them, until it is killed in one."""
    while True:
        work()
        IDLE.append(getcurrent())
        work = getcurrent().parent.switch()


class Simulation:
    """All services, and everything that can happen to them."""

    def __init__(self, policy: Policy = Policy.FLAG) -> None:
        self.now = BEGINNING
        self.messages: dict[str, Sent] = {}
        self.sent: list[str] = []
        self.workers: dict[str, Worker] = {}
        self.current: Worker | None = None
        self.down: set[str] = set()
        self.seen = Evidence()
        self.trace: list[Action] = []
        self.images: dict[str, str] = {}
        self.notices: dict[str, str] = {}
        self.dead: list[Sent] = []
        self.in_flight: list[tuple[str, Callable[[], object]]] = []
        self.names: Counter[str] = Counter()
        self.uploads = MemoryObjects()
        self.processed = Processed(self)
        self.records, self.ledger = Records(self), Ledger(self)
        self.lists = MemorySearchIndex()
        self.policy = policy
        self.parts = self._parts()
        self.services = services(self.parts)
        self.listeners = _listeners(self.services)
        self.rescue = RescueSteps(
            processed=self._watched(self.processed, "kept"), bus=Topic(self), now=self.at
        )
        self.reaper = ReapSteps(
            records=self.records,
            uploads=PagedUploads(self.uploads, "uploads", lambda _key: self.at()),
            bus=DirectTopic(self),
            now=self.at,
            silence=-AHEAD,
        )

    def _parts(self) -> Parts:
        return Parts(
            uploads=self._watched(self.uploads, "uploads"),
            processed=self._watched(self.processed, "processed"),
            index=self._watched(self.processed, "index"),
            records=self._watched(self.records, "records"),
            lists=self._watched(self.lists, "lists"),
            runs=self._watched(self.records, "runs"),
            ledger=self._watched(self.ledger, "ledger"),
            recognizer=self._watched(Recognizer(self), "recognizer"),
            notifications=self._watched(Notifications(self), "notifications"),
            bus=Topic(self),
            queue=lambda name: self._watched(Queue(self, name), "queue"),
            clock=self.clock,
            develop=self._watched(RememberedPictures(), "pictures").develop,
            pool=Inline,
            detect=DETECTIONS,
            policy=self.policy,
        )

    def _watched(self, part: Any, name: str) -> Watched:
        return Watched(part, name, self.moment)

    # ---- time and workers ------------------------------------------------------------------------

    def clock(self) -> float:
        return self.now + (self.current.skew if self.current else 0.0)

    def at(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def moment(self, what: str) -> None:
        """Stop here until the schedule resumes the worker, maybe with an error."""
        worker = self.current
        assert worker, "only workers have side effects"
        worker.at, worker.arrived = what, self.now + worker.skew
        self.seen.moments.add((worker.service, what))
        error = None
        if worker.passes and what != worker.until:
            worker.passes -= 1
        else:
            error = worker.greenlet.parent.switch()
        if error is None and self.down and self._is_down(what):
            error = ERRORS["transient"]()
        if error is not None:
            self._charge(worker, error)
            raise error

    def _is_down(self, what: str) -> bool:
        return what.partition(".")[0].removeprefix("before ") in self.down

    def _charge(self, worker: Worker, error: BaseException) -> None:
        """A failed try of what the worker has claimed. Being throttled costs nothing, unless it is
        the ledger that throttles, or the bucket that stores what was paid for; nor does what
        the worker goes on without.
        """
        costly = worker.at.partition(" ")[2].startswith(("ledger.", "processed.replace"))
        free = isinstance(error, Throttled) and not costly
        free = free or worker.at.partition(" ")[2] in OPTIONAL
        if worker.claim and not free:
            self.count_attempt(worker)

    def count_attempt(self, worker: Worker) -> None:
        """An attempt ran. A claim past the last attempt only dead-letters its event."""
        assert worker.claim
        if worker.claim.attempts <= LIMITS.max_attempts:
            self._attempts_of(worker.claim).add(worker.claim.owner)

    def uncount_attempt(self, claim: Claim) -> None:
        """Released without an effect: this counts as no attempt."""
        self._attempts_of(claim).discard(claim.owner)

    def _attempts_of(self, claim: Claim) -> set[str]:
        service, _, event = claim.key.name.split("/")
        return self.seen.attempts[service, event]

    def _go(
        self,
        worker: Worker,
        word: BaseException | Callable[[], None] | None = None,
        *,
        moments: float = 1,
        until: str = "",
    ) -> None:
        """Let the worker go on, so many moments or to its end; it stands still at ``until``.

        The first ``word`` it gets is its work, any later one an error that it meets there.
        """
        worker.passes, worker.until = moments - 1, until
        self._as(worker, lambda: worker.greenlet.switch(word))
        if worker.done or worker.greenlet.dead:
            self._ended(worker)

    def _as(self, worker: Worker, go: Callable[[], object]) -> None:
        """What happens is this worker's doing, until it stands still, ends or dies of it."""
        self.current = worker
        try:
            go()
        except Killed:
            self.seen.killed.add((worker.service, worker.at))
            if worker.claim:
                self.count_attempt(worker)
        finally:
            self.current = None

    def _ended(self, worker: Worker) -> None:
        del self.workers[worker.name]
        self.excuse(worker)

    def excuse(self, worker: Worker) -> None:
        """What this worker did and did not record may be repeated once."""
        for effect in worker.asked if worker.overran else worker.unrecorded:
            self.seen.excused[effect] += 1
            window = "(g)" if worker.overran else "(b)" if isinstance(effect, str) else "(a)"
            self.seen.windows[window] += 1
        worker.unrecorded.clear()
        worker.asked.clear()

    def _kill(self, worker: Worker) -> None:
        if worker.wrote:
            self.seen.late |= worker.wrote
            self.seen.windows["(d)"] += 1
        self._as(worker, lambda: worker.greenlet.throw(Killed(worker.at)))
        self._ended(worker)

    def _work(self, worker: Worker) -> None:
        batch = {"Records": [message.record() for message in worker.messages]}
        if worker.service == "rescue":
            answer = answer_batch(batch, self.rescue.rescue, lambda *_: None)
        else:
            answer = consume(self.services[worker.service], batch, TimeLeft(self, worker))
        again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in worker.messages:
            if message.name not in again:
                self._acknowledge(message)
        worker.done = True

    def _acknowledge(self, message: Sent) -> None:
        if message.unacknowledged:
            message.unacknowledged = False
        else:
            self.messages.pop(message.name, None)

    # ---- what can happen -------------------------------------------------------------------------

    def do(self, action: Action) -> None:
        """Run the action; it has no effect if its message or worker does not exist."""
        self.trace.append(action)
        if action.verb in ABOUT_IMAGES and not self.notices:
            return
        getattr(self, f"_do_{action.verb}")(action.names, action.value)

    def _do_upload(self, keys: Sequence[str], _value: object) -> None:
        """New originals in one S3 notification. A key says what its original is."""
        originals = [("uploads", key, _original(key)) for key in keys]
        for _, key, body in originals:
            self.uploads.put(key, body, "image/jpeg")
        notice = s3_notification(*originals)
        for key, one in zip(keys, json.loads(notice)["Records"], strict=True):
            self.images[key] = read_upload(one).subject
        self.notices["+".join(keys)] = notice
        self.send("resize", "+".join(keys), notice)

    def _do_again(self, names: Sequence[str], _value: object) -> None:
        """S3 repeats the notification of an upload."""
        self.send("resize", names[0], self.notices[names[0]])

    def _do_deliver(self, names: Sequence[str], skew: float) -> None:
        """The first message's queue hands these to a worker whose clock is off by ``skew`` s."""
        if worker := self._received(names, skew):
            worker.greenlet = IDLE.pop() if IDLE else greenlet(_work_forever)
            self._go(worker, lambda: self._work(worker))

    def _received(self, names: Sequence[str], skew: float) -> Worker | None:
        """A worker with what is visible of these, before it begins."""
        found = [self.messages[name] for name in names if name in self.messages]
        found = [m for m in found if m.visible_at <= self.now and m.consumer == found[0].consumer]
        batch = [message for message in found if not self._spent(message)]
        if not batch:
            return None
        for message in batch:
            message.receives += 1
            message.visible_at = self.now + VISIBILITY
        name = f"{batch[0].name}@{batch[0].receives}"
        self.workers[name] = Worker(name, batch[0].consumer, batch, self.now, skew, self.policy)
        return self.workers[name]

    def _spent(self, message: Sent) -> bool:
        if message.dead or message.receives < MAX_RECEIVES:
            return False
        del self.messages[message.name]
        self.dead_letter(message.service, message.body, {})
        return True

    def _do_run(self, names: Sequence[str], moments: float) -> None:
        """The worker goes on for so many moments."""
        if worker := self.workers.get(names[0]):
            self._go(worker, moments=int(moments) or 1)

    def _do_finish(self, names: Sequence[str], _value: object) -> None:
        """The worker goes on to its end."""
        if worker := self.workers.get(names[0]):
            self._go(worker, moments=inf)

    def _do_until(self, names: Sequence[str], moment: str) -> None:
        """The worker goes on until it stands at this moment, or to its end."""
        worker = self.workers.get(names[0])
        if worker and worker.at != moment:
            self._go(worker, moments=inf, until=moment)

    def _do_kill(self, names: Sequence[str], _value: object) -> None:
        if names[0] in self.workers:
            self._kill(self.workers[names[0]])

    def _do_strand(self, names: Sequence[str], _value: object) -> None:
        """The worker goes on until it writes to the bucket, and dies with that on its way."""
        if worker := self.workers.get(names[0]):
            worker.strands = True
            self._go(worker, moments=inf)

    def _do_land(self, _names: object, _value: object) -> None:
        """S3 applies what dead workers have sent."""
        for key, write in self.in_flight:
            write()
            self.seen.late.add(key)
            self.seen.windows["(d)"] += 1
        self.in_flight.clear()

    def _do_fail(self, names: Sequence[str], kind: str) -> None:
        """What the worker stands before fails, or what it stands after loses its answer."""
        if names[0] in self.workers:
            self._go(self.workers[names[0]], ERRORS[kind]())

    def _do_poison(self, names: Sequence[str], kind: str) -> None:
        """The service's queue receives an unreadable message."""
        body = POISON[kind]
        self.seen.poison.add((names[0], body))
        if kind == "half":
            notice = json.loads(next(iter(self.notices.values())))
            body = json.dumps({"Records": [BROKEN, *notice["Records"]]})
        self.send(names[0], "poison", body)

    def _do_vanish(self, names: Sequence[str], _value: object) -> None:
        """The original is gone for good, in all its versions."""
        versions = self.uploads.versions[names[0]]
        versions[:] = [None] * len(versions)

    def _do_copy(self, names: Sequence[str], delay: float) -> None:
        """The message is there once more, visible after a delay."""
        if message := self.messages.get(names[0]):
            what = message.name.partition(":")[2].partition("#")[0]
            copied = self.send(message.service, what, message.body)
            copied.dead, copied.attributes = message.dead, message.attributes
            copied.visible_at = self.now + delay

    def _do_delay(self, names: Sequence[str], delay: float) -> None:
        if message := self.messages.get(names[0]):
            message.visible_at = max(message.visible_at, self.now + delay)

    def _do_lose(self, names: Sequence[str], _value: object) -> None:
        """The message's next acknowledgement is lost."""
        if message := self.messages.get(names[0]):
            message.unacknowledged = True

    def _do_tick(self, _names: object, seconds: float) -> None:
        """Time passes; who is still at work past the timeout dies of it."""
        self.now += seconds
        for worker in list(self.workers.values()):
            if self.now > worker.started + LIMITS.timeout:
                self._kill(worker)

    def _do_linger(self, _names: object, seconds: float) -> None:
        """Time passes and no worker dies: workers outlive their lease."""
        self.now += seconds
        for worker in self.workers.values():
            if self.now > worker.started + LIMITS.timeout:
                worker.overran = self.seen.outlived = True
                if worker.claim:
                    self.count_attempt(worker)

    def _do_down(self, names: Sequence[str], _value: object) -> None:
        self.down.update(names)

    def _do_up(self, names: Sequence[str], _value: object) -> None:
        self.down.difference_update(names)

    def _do_delete(self, names: Sequence[str], _value: object) -> None:
        image = self.images[names[0]]
        self._ask(names[0], DeleteRequested(image=image, run=self._run(image)))

    def _do_replay(self, names: Sequence[str], how: str) -> None:
        image = self.images[names[0]]
        self.seen.requests[image] += 1
        request = ReplayRequested(
            image=image,
            run=self._run(image),
            force="force" in how,
            analyze_only="analyze-only" in how,
        )
        self._ask(names[0], request)

    def _do_release(self, names: Sequence[str], _value: object) -> None:
        """An operator releases the run that is published, or the current one."""
        image = self.images[names[0]]
        record = self.records.records.get(image)
        run = record.published if record else None
        if self.seen.waits(image, run):
            self.seen.release_due.add(image)
        run = self._run(image) if run is None else run
        self._ask(names[0], ReleaseRequested(image=image, run=run))

    def _do_moderation(self, _names: object, policy: str) -> None:
        """The stage's setting changes; who is at work goes on with the one it began with."""
        self.policy = Policy(policy)
        self.services["store"] = services(replace(self.parts, policy=self.policy))["store"]

    def _do_stuck(self, names: Sequence[str], _value: object) -> None:
        """A timeout sweeper without a waiting time reports this image's run."""
        for swept in self.reaper.sweep():
            self.reaper.report([r for r in swept.reports if r.image == self.images[names[0]]])

    def _do_expire(self, _names: object, _value: object) -> None:
        """A month passes: every row of the ledger expires."""
        self.now += 31 * 24 * 3600
        self.ledger.rows.clear()
        self.seen.attempts.clear()

    def _do_drain(self, _names: object, _value: object) -> None:
        """Without further failures, every worker finishes and every queue empties."""
        self.down.clear()
        for name in list(self.workers):
            self._do_finish((name,), 0)
        for _ in range(DRAIN):
            if not self.messages:
                return
            self.handle(min(self.messages.values(), key=lambda m: m.visible_at))
        self.seen.broken("does not come to rest", list(self.messages))

    def handle(self, message: Sent) -> None:
        """A new worker handles the message to the end, without interruption."""
        self.now = max(self.now, message.visible_at)
        if worker := self._received((message.name,), 0.0):
            worker.passes = inf
            self._as(worker, lambda: self._work(worker))
            self._ended(worker)

    def _run(self, image: str) -> int:
        record = self.records.records.get(image)
        return record.run if record else 0

    def _ask(self, key: str, event: Event) -> None:
        n = self.names[f"request {key}"]
        self.names[f"request {key}"] += 1
        envelope = Envelope.first(event, f"darkroom/tests/{n}", self.at())
        self.send("store", f"{event.type.split('.')[0]}/{key}", envelope.to_json())

    def check_status_was_read(self, image: str, run: int) -> None:
        """A worker past its lease reads the status before it pays or publishes for an ended run."""
        worker = self.current
        if worker is None or worker.claim is None:
            return
        ended = MemoryRecords.status(self.records, image, run) is not RunStatus.OPEN
        if ended and worker.status_read_at <= worker.claim.until < worker.arrived:
            self.seen.broken("acted past its lease for an ended run", worker.name)

    def flagged(self, image: str, run: int) -> bool:
        """Whether there is something in the picture; of a doubtful one, every other run says so."""
        (key,) = (key for key, known in self.images.items() if known == image)
        return key.startswith("flagged") or (key.startswith("doubtful") and run % 2 == 1)

    # ---- the topic and the queues ----------------------------------------------------------------

    def publish(self, envelope: Envelope) -> None:
        self.seen.published(envelope, LIMITS.max_attempts)
        body = envelope.to_json()
        short = f"{envelope.type.removesuffix('.v1')}/{envelope.id[:4]}"
        for name in self.listeners.get(type(envelope.data), ()):
            self.send(name, short, body)

    def send(self, service: str, what: str, body: str) -> Sent:
        base = f"{service}:{what}"
        name = f"{base}#{self.names[base]}"
        self.names[base] += 1
        self.sent.append(name)
        self.messages[name] = Sent(name, service, body, self.now, self.now)
        return self.messages[name]

    def dead_letter(self, service: str, body: str, words: Mapping[str, str]) -> None:
        letter = self.send(service, "dead", body)
        letter.dead, letter.attributes = True, words
        self.dead.append(letter)

    def visible(self) -> list[Sent]:
        return [m for m in self.messages.values() if m.visible_at <= self.now]


def _original(key: str) -> bytes:
    return BAD if key.startswith("bad") else DEADLY if key.startswith("deadly") else GOOD


def _listeners(served: Mapping[str, Any]) -> dict[type, list[str]]:
    kinds = {kind for service in served.values() for kind in service.routes}
    return {kind: [name for name, s in served.items() if kind in s.routes] for kind in kinds}
