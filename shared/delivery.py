"""Handle one event in one service: claim, check the run, run the step, publish, complete the claim.

A service declares how it reacts to each event type with one of four routes: ``Step``,
``Compensate``, ``Deliver`` or ``Decide``. Failures of ``Step`` and ``Deliver`` are decided here,
those of ``Compensate`` and ``Decide`` in ``consumer._guarded``. Backoff and attempt limits are in
``retries``.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shared import retries
from shared.bus import Bus, Queue
from shared.contracts.envelope import Envelope, Event
from shared.contracts.images import ImageEvent, StepFailed
from shared.contracts.record import RunStatus
from shared.errors import DarkroomError, Overtaken, reason_of, sentence
from shared.ledger import Claim, ClaimKey, ClaimStatus, Ledger
from shared.message import Message
from shared.retries import GiveUp, Retry
from shared.runs import Runs
from shared.telemetry import HopMetrics, log

CLOCK_SKEW = 10.0
"""Seconds by which a lease outlives the function's timeout. Clocks differ by up to 3 s, and a
request that was sent before the timeout may still take effect after it."""
SHORT_WAIT = 5.0
"""Seconds, for two purposes: the maximum wait of a message that the batch had no time for, and the
maximum jitter added to the wait for another worker's lease."""


class StepContext(NamedTuple):
    """What a step gets beside its event."""

    envelope: Envelope
    at: datetime
    """When this attempt began."""
    ensure_lease: Callable[[], None]
    """Call it before a paid call, a delivery or a publish. It raises Overtaken if the lease has
    expired and the run is no longer open."""


@dataclass(frozen=True)
class Step:
    """Create something for a run. Claimed; runs only while the run is open; reported if it fails.

    ``compensate`` removes what ``run`` created, however far it got, and is idempotent.
    """

    run: Callable[[Any, StepContext], Iterable[Event]]
    compensate: Callable[[Any], None]


@dataclass(frozen=True)
class Compensate:
    """Remove what this service created for a run. Idempotent, so it takes no claim; never reported.

    A failure is retried with backoff; after 100 receives (about 18 hours) SQS moves the message to
    the dead-letter queue.
    """

    run: Callable[[Any], None]


@dataclass(frozen=True)
class Deliver:
    """Deliver an outcome to the outside, once. Claimed. A failure is dead-lettered, not
    reported.
    """

    run: Callable[[Any, StepContext], None]


@dataclass(frozen=True)
class Decide:
    """Publish what is on record. Idempotent, so it takes no claim; never reported.

    A failure is retried with backoff; after 100 receives (about 18 hours) SQS moves the message to
    the dead-letter queue.
    """

    run: Callable[[Any, StepContext], Iterable[Event]]


Route = Step | Compensate | Deliver | Decide


@dataclass(frozen=True)
class Limits:
    """Times in seconds. ``max_attempts``: maximum attempts per event."""

    timeout: float
    """The function's timeout."""
    worst_case: float
    """The longest that one event may take."""
    max_attempts: int

    @property
    def lease(self) -> float:
        return self.timeout + CLOCK_SKEW


@dataclass(frozen=True)
class Service:
    """A service's routes and the adapters that the consumer needs to run them."""

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
        """The CloudEvents source of what this service publishes."""
        return f"darkroom/{self.name}"

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def dead_letter(self, body: str, reason: str, detail: str) -> None:
        """Send a message to the service's dead-letter queue, and log why."""
        self.queue.dead_letter(body, reason, detail)
        log.error("message dead-lettered", extra={"reason": reason})
        log.debug("message dead-lettered: %s", detail)


@dataclass(frozen=True)
class RetryLater:
    """The message is not handled yet: receive it again after this many seconds."""

    seconds: float


class Delivery(NamedTuple):
    """One event being handled by one service."""

    service: Service
    message: Message
    body: str
    """The event alone, as a message body."""
    envelope: Envelope
    hop: HopMetrics

    @property
    def event(self) -> Any:
        return self.envelope.data

    def handle(self, route: Route) -> RetryLater | None:
        """Run the route. None means that the event is handled and can be acknowledged."""
        match route:
            case Step() | Deliver():
                return self._handle_claimed(route)
            case Compensate(compensate):
                compensate(self.event)
                self.hop.end("compensated")
            case Decide(decide):
                self._publish(decide(self.event, self._context()))
        return None

    def _handle_claimed(self, route: Step | Deliver) -> RetryLater | None:
        """Claim the event and attempt it; the claim is completed unless it is to be retried."""
        claim = self._claim()
        match claim.status:
            case ClaimStatus.COMPLETED:
                log.info("duplicate")
                self.hop.end("duplicate")
                return None
            case ClaimStatus.IN_PROGRESS:
                self.hop.end("in-progress")
                return self._after_the_lease(claim)
        # The last allowed attempt completes its claim, or releases it without counting. So a
        # further attempt proves that a worker ended before it could do either.
        if claim.attempts > self.service.limits.max_attempts:
            self._dead_letter_worker_died()
        elif retry := self._attempt(route, claim):
            return retry
        self.service.ledger.complete(claim, self.service.clock())
        return None

    def _claim(self) -> Claim:
        service, envelope = self.service, self.envelope
        key = ClaimKey.of(service.name, envelope.subject, envelope.type, envelope.id)
        claim = service.ledger.claim(key, _new_owner(), service.clock(), service.limits.lease)
        self.hop.facts["attempts"] = claim.attempts
        return claim

    def _after_the_lease(self, claim: Claim) -> RetryLater:
        """Another worker has the lease: wait until it expires, with jitter."""
        rest = max(1.0, claim.until - self.service.clock())
        return RetryLater(rest + retries.spread(SHORT_WAIT, self.message.id, claim.attempts))

    def _dead_letter_worker_died(self) -> None:
        """Every allowed attempt was claimed, and none of them reported an error or a result."""
        attempts = self.service.limits.max_attempts
        detail = f"{attempts} attempts ended without a result"
        self.service.dead_letter(self.body, "worker-died", detail)
        self.hop.end("gave-up", reason="worker-died")

    def _attempt(self, route: Step | Deliver, claim: Claim) -> RetryLater | None:
        try:
            self._run(route, self._context(claim))
        except Exception as error:  # noqa: BLE001 - a step may fail in any way: the policy decides
            return self._after(error, route, claim)
        return None

    def _run(self, route: Step | Deliver, context: StepContext) -> None:
        if isinstance(route, Deliver):
            route.run(self.event, context)
            return
        status = self._run_status()
        if status is RunStatus.OPEN:
            self._publish(route.run(self.event, context), context)
        else:
            self._compensate(route, status)

    def _run_status(self) -> RunStatus:
        return self.service.runs.status(self.event.image, self.event.run)

    def _compensate(self, step: Step, status: RunStatus) -> None:
        """Remove what this service created for a run that failed, was superseded or was deleted."""
        if status in (RunStatus.OPEN, RunStatus.COMPLETED):
            return
        log.info("run already ended; compensating", extra={"status": status})
        step.compensate(self.event)
        self.hop.end("compensated")

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
        """Decide what follows a failed attempt: a retry, a report, or the dead-letter queue."""
        service = self.service
        decision = retries.after(
            error,
            attempts=claim.attempts,
            max_attempts=service.limits.max_attempts,
            age=service.clock() - self.message.sent,
            salt=self.message.id,
        )
        self._log_failure(error, decision)
        if isinstance(route, Step) and service.clock() > claim.until:
            # Another worker may have taken over and completed the event. So this worker must remove
            # the objects that it wrote late.
            self._compensate(route, self._run_status())
        if isinstance(decision, Retry):
            service.ledger.release(claim, counts_as_attempt=decision.counts_as_attempt)
            return RetryLater(decision.seconds)
        if isinstance(route, Step):
            self._publish([self._report(decision, error)])
        else:
            service.dead_letter(self.body, decision.reason, decision.detail)
        return None

    def _report(self, decision: GiveUp, error: Exception) -> StepFailed:
        facts = getattr(error, "facts", {})
        return report_on(self.event, self.service.name, decision, owner=facts.get("owner"))

    def _context(self, claim: Claim | None = None) -> StepContext:
        def ensure_lease() -> None:
            if claim is None or self.service.clock() <= claim.until:
                return
            status = self._run_status()
            if status is not RunStatus.OPEN:
                raise Overtaken("overtaken", f"the lease has expired, and the run is {status}")

        return StepContext(self.envelope, self.service.now(), ensure_lease)

    def _log_failure(self, error: Exception, decision: Retry | GiveUp) -> None:
        """Log why the attempt failed; an error message only at level DEBUG (see ``telemetry``)."""
        expected = isinstance(error, DarkroomError)
        level, facts = logging.WARNING if expected else logging.ERROR, facts_of(decision)
        fields = {"reason": reason_of(error), **facts}
        log.log(level, "step failed", extra=fields, exc_info=None if expected else error)
        log.debug("step failed: %s", error)
        self.hop.fail("retry" if isinstance(decision, Retry) else "gave-up", error, **facts)


def _new_owner() -> str:
    """A token that identifies one claim of one worker: 128 random bits, as hex."""
    return os.urandom(16).hex()


def facts_of(decision: Retry | GiveUp) -> dict[str, object]:
    """The log fields of a decision."""
    if isinstance(decision, GiveUp):
        return {"fault": decision.fault}
    return {
        "seconds": round(decision.seconds, 3),
        "counts_as_attempt": decision.counts_as_attempt,
    }


def report_on(
    event: ImageEvent, stage: str, decision: GiveUp, owner: str | None = None
) -> StepFailed:
    """The event that reports that ``stage`` gave up on ``event``."""
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
