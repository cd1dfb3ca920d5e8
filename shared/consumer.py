"""Handle a batch of SQS messages with exactly-once effects.

Each message takes the same path: parse it, then deliver each of its events (see ``delivery``). One
failing message does not fail the others: the response names the messages that SQS is to deliver
again (``batchItemFailures``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from shared import retries, telemetry
from shared.bus import Wait
from shared.delivery import SHORT_WAIT, Delivery, RetryLater, Service
from shared.errors import DarkroomError, PermanentError, TransientError, reason_of
from shared.message import Message, MessageRecord, message_records, read
from shared.metrics import AGE
from shared.telemetry import HopMetrics, log

LAST_MOMENT = 2.0
"""Seconds. With less time left, no visibility timeout is changed: a function that reached its own
timeout would have the whole batch delivered again. One call with one retry takes about a second."""


class Context(Protocol):
    """The part of Lambda's context object that is used here."""

    def get_remaining_time_in_millis(self) -> int: ...


def consume(service: Service, batch: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Handle every message of the batch; the response names those that are to be retried."""

    def time_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    def has_time() -> bool:
        return time_left() >= service.limits.worst_case

    def handle(message: Message) -> RetryLater | None:
        return _handle(service, message, has_time)

    def retry_later(waits: Sequence[Wait]) -> None:
        if time_left() < LAST_MOMENT:
            raise TransientError("no-time", "too little time left to change visibility timeouts")
        service.queue.retry_later(waits)

    return answer_batch(batch, handle, retry_later)


def answer_batch(
    batch: Mapping[str, Any],
    handle: Callable[[Message], RetryLater | None],
    retry_later: Callable[[Sequence[Wait]], None],
) -> dict[str, Any]:
    """Call ``handle`` with each message of the batch; the response is Lambda's for SQS batches.

    The visibility timeouts of all messages to retry are changed together, at the end. One call for
    each message would take longer than a large batch has.
    """
    waits: list[Wait] = []
    for record in batch["Records"]:
        message = Message.of(record)
        with telemetry.about(message_id=message.id):
            if retry := _guarded(handle, message):
                waits.append((message, retry.seconds))
    if waits:
        _retry_later(waits, retry_later)
    return {"batchItemFailures": [{"itemIdentifier": message.id} for message, _ in waits]}


def _guarded(handle: Callable[[Message], RetryLater | None], message: Message) -> RetryLater | None:
    try:
        return handle(message)
    except Exception as error:  # noqa: BLE001 - one message must not fail the rest of the batch
        log.exception("could not handle the message", extra={"reason": reason_of(error)})
        return RetryLater(retries.backoff(message.receives, message.id))


def _retry_later(waits: Sequence[Wait], retry_later: Callable[[Sequence[Wait]], None]) -> None:
    try:
        retry_later(waits)
    except DarkroomError as error:
        fields = {"reason": error.reason, "messages": [message.id for message, _ in waits]}
        log.warning(
            "could not change message visibility; retry after the visibility timeout", extra=fields
        )


def _handle(service: Service, message: Message, has_time: Callable[[], bool]) -> RetryLater | None:
    """Handle each record of the message; the message is retried if any of them is."""
    try:
        records = message_records(message.body)
    except PermanentError as error:
        service.dead_letter(message.body, error.reason, error.detail)
        return None
    waits = []
    for record in records:
        if not has_time():
            waits.append(RetryLater(retries.spread(SHORT_WAIT, message.id, message.receives)))
            break
        if wait := _handle_record(service, message, record):
            waits.append(wait)
    return min(waits, key=lambda wait: wait.seconds, default=None)


def _handle_record(service: Service, message: Message, record: MessageRecord) -> RetryLater | None:
    try:
        envelope = read(record)
    except PermanentError as error:
        service.dead_letter(record.body, error.reason, error.detail)
        return None
    route = service.routes.get(type(envelope.data))
    if route is None:
        detail = f"{service.name} does not consume {envelope.type}"
        service.dead_letter(record.body, "unknown-type", detail)
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
        retry = Delivery(service, message, record.body, envelope, hop).handle(route)
        if retry is None and hop.facts["outcome"] != "duplicate":
            hop.note(AGE, max(0.0, round(1000 * (service.clock() - message.sent), 3)))
        return retry
