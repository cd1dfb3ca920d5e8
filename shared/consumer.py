"""From a batch of SQS messages to effects that happen once.

One record, one straight line: read it, claim it, see that its run is still open, act, announce,
settle. Everything that can go wrong on that line is decided here, once for all services; what a
failed try costs and how long it waits stands in ``retries``.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from shared import retries, telemetry
from shared.bus import Bus, Queue, Wait
from shared.contracts.envelope import Envelope, Event
from shared.contracts.images import ImageEvent, StepFailed
from shared.contracts.record import RunStatus
from shared.errors import (
    DarkroomError,
    Overtaken,
    PermanentError,
    TransientError,
    reason_of,
    sentence,
)
from shared.ledger import Claim, ClaimKey, ClaimStatus, Ledger
from shared.message import Message, MessageRecord, message_records, read
from shared.metrics import AGE
from shared.retries import GiveUp, Retry
from shared.runs import Runs
from shared.telemetry import HopMetrics, log

CLOCK_SKEW = 10.0
"""s. A lease outlasts the function's timeout by this: clocks differ by 3 s, requests trail."""
SOON = 5.0
"""s. Within this, what a batch had no time for is back on the queue."""
LAST_MOMENT = 2.0
"""s. With less time left nothing is returned to the queue: a batch that met its timeout would come again as
a whole, and with a queue that is slow that can take so long. One call that has to be made a second
time takes about one second."""


class Context(Protocol):
    """What Lambda tells a function about the invocation."""

    def get_remaining_time_in_millis(self) -> int: ...


class StepContext(NamedTuple):
    """One worker's turn at one event, for as long as its lease runs."""

    envelope: Envelope
    at: datetime
    """When the turn began."""
    ensure_lease: Callable[[], None]
    """Call it right before what cannot be taken back. Raises Overtaken if the turn is over."""


@dataclass(frozen=True)
class Step:
    """A step that makes something for a run: claimed, done only while the run is open, reported if
    it fails. ``undo`` compensates it, however far it got, and however often it is called.
    """

    act: Callable[[Any, StepContext], Iterable[Event]]
    undo: Callable[[Any], None]


@dataclass(frozen=True)
class Compensate:
    """A step that compensates what its service made for a run. Never claimed, never reported."""

    act: Callable[[Any], None]


@dataclass(frozen=True)
class Deliver:
    """A step that tells the world of a verdict: claimed, so that it is told once.

    It never reports: nothing that answers a verdict does.
    """

    act: Callable[[Any, StepContext], None]


@dataclass(frozen=True)
class Decide:
    """A step that answers with what is on record. It may run any number of times, so it is not
    claimed, and it never gives up.
    """

    act: Callable[[Any, StepContext], Iterable[Event]]


Route = Step | Compensate | Deliver | Decide


@dataclass(frozen=True)
class Limits:
    """Times in seconds; ``max_attempts`` counts real tries of one event."""

    timeout: float
    worst_case: float
    max_attempts: int

    @property
    def lease(self) -> float:
        return self.timeout + CLOCK_SKEW


@dataclass(frozen=True)
class Service:
    """All that ``consume`` needs to know of a service: what it answers, with what, through whom."""

    name: str
    routes: Mapping[type[Event], Route]
    bus: Bus
    queue: Queue
    ledger: Ledger
    runs: Runs
    limits: Limits
    clock: Callable[[], float] = time.time

    @property
    def source(self) -> str:
        return f"darkroom/{self.name}"

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)


@dataclass(frozen=True)
class RetryLater:
    """The message is not done; it is to be received again after so many seconds."""

    seconds: float


def consume(service: Service, batch: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Handle every record of the batch; the answer names those that SQS must deliver again."""

    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    def in_time() -> bool:
        return left() >= service.limits.worst_case

    def handle(message: Message) -> RetryLater | None:
        return _handle(service, message, in_time)

    def retry_later(waits: Sequence[Wait]) -> None:
        if left() < LAST_MOMENT:
            raise TransientError("no-time", "handing back could cost the batch its answer")
        service.queue.retry_later(waits)

    return answer_batch(batch, handle, retry_later)


def answer_batch(
    batch: Mapping[str, Any],
    handle: Callable[[Message], RetryLater | None],
    retry_later: Callable[[Sequence[Wait]], None],
) -> dict[str, Any]:
    """Give each message of the batch to ``handle``; one that fails takes no other with it.

    Those that are to come again are returned to the queue together, at the end: one by one, a batch that is
    far too large would need more time for that than it has left.
    """
    waits: list[Wait] = []
    for record in batch["Records"]:
        message = Message.of(record)
        with telemetry.about(message_id=message.id):
            if again := _guarded(handle, message):
                waits.append((message, again.seconds))
    if waits:
        _return(waits, retry_later)
    return {"batchItemFailures": [{"itemIdentifier": message.id} for message, _ in waits]}


def _guarded(handle: Callable[[Message], RetryLater | None], message: Message) -> RetryLater | None:
    try:
        return handle(message)
    except Exception as error:  # noqa: BLE001 - whatever it was, the rest of the batch must not share it
        log.exception("could not handle the message", extra={"reason": reason_of(error)})
        return RetryLater(retries.backoff(message.receives, message.id))


def _return(waits: Sequence[Wait], retry_later: Callable[[Sequence[Wait]], None]) -> None:
    try:
        retry_later(waits)
    except DarkroomError as error:
        late = {"reason": error.reason, "messages": [message.id for message, _ in waits]}
        log.warning("back only after the whole visibility time", extra=late)


def _handle(service: Service, message: Message, in_time: Callable[[], bool]) -> RetryLater | None:
    try:
        found = message_records(message.body)
    except PermanentError as error:
        _dead_letter(service, message.body, error.reason, error.detail)
        return None
    waits = []
    for piece in found:
        if not in_time():
            waits.append(RetryLater(retries.spread(SOON, message.id, message.receives)))
            break
        if wait := _handle_piece(service, message, piece):
            waits.append(wait)
    return min(waits, key=lambda wait: wait.seconds, default=None)


def _handle_piece(service: Service, message: Message, piece: MessageRecord) -> RetryLater | None:
    try:
        envelope = read(piece)
    except PermanentError as error:
        _dead_letter(service, piece.body, error.reason, error.detail)
        return None
    route = service.routes.get(type(envelope.data))
    if route is None:
        _dead_letter(
            service, piece.body, "unknown-type", f"{service.name} does not answer {envelope.type}"
        )
        return None
    with (
        telemetry.about(
            correlation_id=envelope.correlationid,
            event_id=envelope.id,
            event_type=envelope.type,
            run=envelope.data.run,
        ),
        telemetry.traced(envelope.traceparent, image=envelope.subject, event=envelope.type),
        HopMetrics() as hop,
    ):
        wait = _Delivery(service, message, piece.body, envelope, hop).take(route)
        if wait is None and hop.facts["outcome"] != "duplicate":
            hop.note(AGE, max(0.0, round(1000 * (service.clock() - message.sent), 3)))
        return wait


def _dead_letter(service: Service, body: str, reason: str, detail: str) -> None:
    """Nothing here can handle this: keep it where people look, and go on."""
    service.queue.dead_letter(body, reason, detail)
    log.error("dead-lettered", extra={"reason": reason})
    log.debug("dead-lettered: %s", detail)


class _Delivery(NamedTuple):
    """One event on its way through one service."""

    service: Service
    message: Message
    body: str
    envelope: Envelope
    hop: HopMetrics

    @property
    def event(self) -> Any:
        return self.envelope.data

    def take(self, route: Route) -> RetryLater | None:
        match route:
            case Step() | Deliver():
                return self._claimed(route)
            case Compensate(act):
                act(self.event)
                self.hop.end("compensated")
            case Decide(act):
                self._publish(act(self.event, self._turn()))
        return None

    def _claimed(self, route: Step | Deliver) -> RetryLater | None:
        service = self.service
        key = ClaimKey.of(service.name, self.envelope.subject, self.envelope.type, self.envelope.id)
        claim = service.ledger.claim(key, _nobody_elses(), service.clock(), service.limits.lease)
        self.hop.facts["attempts"] = claim.attempts
        if claim.status is ClaimStatus.COMPLETED:
            log.info("seen before")
            self.hop.end("duplicate")
            return None
        if claim.status is ClaimStatus.IN_PROGRESS:
            self.hop.end("busy")
            rest = max(1.0, claim.until - service.clock())
            return RetryLater(rest + retries.spread(SOON, self.message.id, claim.attempts))
        if claim.attempts > service.limits.max_attempts:
            detail = f"{service.limits.max_attempts} tries ended without a word"
            _dead_letter(service, self.body, "worker-died", detail)
            self.hop.end("gave-up", reason="worker-died")
        elif again := self._try(route, claim):
            return again
        service.ledger.complete(claim, service.clock())
        return None

    def _try(self, route: Step | Deliver, claim: Claim) -> RetryLater | None:
        context = self._turn(claim)
        try:
            self._act(route, context)
        except Exception as error:  # noqa: BLE001 - a step may fail in any way: the policy decides
            return self._after(error, route, claim)
        return None

    def _act(self, route: Step | Deliver, context: StepContext) -> None:
        if isinstance(route, Deliver):
            route.act(self.event, context)
        elif self._open(route):
            self._publish(route.act(self.event, context), context)

    def _open(self, route: Step) -> bool:
        """Whether the run is still open. What it has here is compensated if it failed meanwhile."""
        status = self.service.runs.status(self.event.image, self.event.run)
        if status not in (RunStatus.OPEN, RunStatus.COMPLETED):
            log.info("the run has ended: compensating", extra={"status": status})
            route.undo(self.event)
            self.hop.end("compensated")
        return status is RunStatus.OPEN

    def _publish(self, events: Iterable[Event], context: StepContext | None = None) -> None:
        envelopes = [
            self.envelope.caused(event, self.service.source, n, self.service.now())
            for n, event in enumerate(events)
        ]
        if context:
            context.ensure_lease()
        self.service.bus.publish(envelopes)
        self.hop.facts["published"] = [envelope.type for envelope in envelopes]
        self.hop.facts["published_ids"] = [envelope.id for envelope in envelopes]

    def _after(self, error: Exception, route: Step | Deliver, claim: Claim) -> RetryLater | None:
        service = self.service
        decision = retries.after(
            error,
            attempts=claim.attempts,
            max_attempts=service.limits.max_attempts,
            age=service.clock() - self.message.sent,
            salt=self.message.id,
        )
        self._tell(error, decision)
        if isinstance(route, Step) and service.clock() > claim.until:
            self._open(route)  # who took over may be done: nobody else would compensate this
        if isinstance(decision, Retry):
            service.ledger.release(claim, counts_as_attempt=decision.counts_as_attempt)
            return RetryLater(decision.seconds)
        if isinstance(route, Step):
            self._publish([self._report(decision, error)])
        else:
            _dead_letter(service, self.body, decision.reason, decision.detail)
        return None

    def _report(self, decision: GiveUp, error: Exception) -> StepFailed:
        facts = getattr(error, "facts", {})
        return report_on(self.event, self.service.name, decision, owner=facts.get("owner"))

    def _turn(self, claim: Claim | None = None) -> StepContext:
        def ensure_lease() -> None:
            if claim is None or self.service.clock() <= claim.until:
                return
            status = self.service.runs.status(self.event.image, self.event.run)
            if status is not RunStatus.OPEN:
                raise Overtaken("overtaken", f"past its lease, and the run is {status}")

        return StepContext(self.envelope, self.service.now(), ensure_lease)

    def _tell(self, error: Exception, decision: Retry | GiveUp) -> None:
        """What the step failed with, in the log and on the line of this try."""
        expected = isinstance(error, DarkroomError)
        level, facts = logging.WARNING if expected else logging.ERROR, facts_of(decision)
        said = {"reason": reason_of(error), **facts}
        log.log(level, "the step failed", extra=said, exc_info=None if expected else error)
        log.debug("the step failed: %s", error)
        self.hop.fail("retry" if isinstance(decision, Retry) else "gave-up", error, **facts)


def _nobody_elses() -> str:
    """The name under which one worker claims one event, once."""
    return os.urandom(16).hex()


def facts_of(decision: Retry | GiveUp) -> dict[str, object]:
    """What the log says of a decision: no words of its own."""
    if isinstance(decision, GiveUp):
        return {"fault": decision.fault}
    return {"seconds": round(decision.seconds, 3), "counts_as_attempt": decision.counts_as_attempt}


def report_on(
    event: ImageEvent, stage: str, decision: GiveUp, owner: str | None = None
) -> StepFailed:
    """The report that ``stage`` gave up on this event."""
    return StepFailed(
        image=event.image,
        run=event.run,
        source=event.source,
        owner=owner or event.owner,
        stage=stage,
        reason=decision.reason,
        detail=sentence(decision.detail),
        fault=decision.fault,
    )
