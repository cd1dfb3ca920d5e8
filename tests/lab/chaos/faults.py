"""Draw faults for calls from a seed, and build each service's error responses."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from random import Random
from threading import Lock

from tests.lab.chaos.calls import Call


class Kind(StrEnum):
    """The kinds of fault.

    ``BEFORE``: the request does not reach the service. ``AFTER``: the service performs the request,
    and the answer does not reach the caller.
    """

    ERROR = "error"
    THROTTLE = "throttle"
    REFUSE = "refuse"
    """The paid service reports an unreadable picture: a retry cannot help, so the image fails."""
    SLOW = "slow"
    RESET_BEFORE = "reset before"
    RESET_AFTER = "reset after"
    KILL_BEFORE = "kill before"
    KILL_AFTER = "kill after"
    EXIT_BEFORE = "exit before"
    EXIT_AFTER = "exit after"
    TIMEOUT_BEFORE = "timeout before"
    TIMEOUT_AFTER = "timeout after"


ANSWERED = frozenset({Kind.ERROR, Kind.THROTTLE, Kind.REFUSE})
"""The caller gets an error response, and nothing was performed."""
DEADLY = frozenset({Kind.KILL_BEFORE, Kind.KILL_AFTER, Kind.EXIT_BEFORE, Kind.EXIT_AFTER})
EARLY = frozenset({Kind.RESET_BEFORE, Kind.KILL_BEFORE, Kind.EXIT_BEFORE, Kind.TIMEOUT_BEFORE})
"""The caller gets no answer, and nothing was performed."""
LATE = frozenset({Kind.RESET_AFTER, Kind.KILL_AFTER, Kind.EXIT_AFTER, Kind.TIMEOUT_AFTER})
"""The request was performed, and the caller gets no answer."""

WEIGHTS = {
    Kind.ERROR: 28,
    Kind.THROTTLE: 14,
    Kind.SLOW: 20,
    Kind.RESET_BEFORE: 10,
    Kind.RESET_AFTER: 14,
    Kind.KILL_BEFORE: 3,
    Kind.KILL_AFTER: 3,
    Kind.EXIT_BEFORE: 2,
    Kind.EXIT_AFTER: 2,
    Kind.TIMEOUT_BEFORE: 2,
    Kind.TIMEOUT_AFTER: 2,
}
"""Relative frequencies. One fault in seven ends the calling process."""
REFUSALS = 10
"""The weight of ``REFUSE``, for paid calls only."""
SLOWEST = 1.0
"""The longest delay of a slow call, s."""


@dataclass(frozen=True)
class Fault:
    """The fault of one call. ``seconds`` is the delay of a slow one."""

    kind: Kind
    seconds: float = 0.0
    status: int = 0
    """The HTTP status of an error: 500 or 503."""


Draw = Callable[[Call], Fault | None]


def none(_call: Call) -> None:
    """No call gets a fault."""


def delayed(seconds: Mapping[str, float]) -> Draw:
    """Delay every call of these names by so many seconds; no other fault."""

    def draw(call: Call) -> Fault | None:
        return Fault(Kind.SLOW, seconds[call.name]) if call.name in seconds else None

    return draw


class Drawn:
    """Faults for ``rate`` of all calls (0-1). The n-th call of a name always gets the same fault.

    Which image that call concerns depends on how the functions are scheduled; no seed fixes that.
    """

    def __init__(self, rate: float, seed: int, *, deadly: bool = True) -> None:
        self._rate = rate
        self._seed = seed
        self._weights = {k: w for k, w in WEIGHTS.items() if deadly or k not in DEADLY}
        self._calls: Counter[str] = Counter()
        self._lock = Lock()

    def __call__(self, call: Call) -> Fault | None:
        with self._lock:
            self._calls[call.name] += 1
            n = self._calls[call.name]
        chance = Random(f"{self._seed}/{call.name}/{n}")
        if chance.random() >= self._rate:
            return None
        weights = self._weights | ({Kind.REFUSE: REFUSALS} if call.paid_call else {})
        (kind,) = chance.choices(list(weights), list(weights.values()))
        return Fault(kind, chance.uniform(0, SLOWEST), chance.choice((500, 503)))


@dataclass(frozen=True)
class ErrorResponse:
    """An error response in the service's own format."""

    status: int
    content_type: str
    body: bytes


THROTTLING = {
    "s3": (HTTPStatus.SERVICE_UNAVAILABLE, "SlowDown"),
    "sns": (HTTPStatus.BAD_REQUEST, "Throttling"),
    "sqs": (HTTPStatus.BAD_REQUEST, "RequestThrottled"),
    "dynamodb": (HTTPStatus.BAD_REQUEST, "ProvisionedThroughputExceededException"),
    "rekognition": (HTTPStatus.BAD_REQUEST, "ThrottlingException"),
    "bedrock": (HTTPStatus.TOO_MANY_REQUESTS, "ThrottlingException"),
}
BROKEN = {
    "s3": "InternalError",
    "sns": "InternalFailure",
    "sqs": "InternalFailure",
    "dynamodb": "InternalServerError",
    "rekognition": "InternalServerError",
    "bedrock": "InternalServerException",
}
UNREADABLE = {"rekognition": "InvalidImageFormatException", "bedrock": "ValidationException"}
"""The error code of the paid services for an unreadable picture."""


def error_response(service: str, fault: Fault) -> ErrorResponse:
    """This service's response for an error, throttling or an unreadable picture."""
    match fault.kind:
        case Kind.THROTTLE:
            status, code = THROTTLING[service]
        case Kind.REFUSE:
            status, code = HTTPStatus.BAD_REQUEST, UNREADABLE[service]
        case _:
            status = HTTPStatus(fault.status)
            unavailable = status is HTTPStatus.SERVICE_UNAVAILABLE
            code = "ServiceUnavailable" if unavailable else BROKEN[service]
    return _encoded(service, status, code)


def _encoded(service: str, status: int, code: str) -> ErrorResponse:
    message = f"<Code>{code}</Code><Message>injected</Message>"
    match service:
        case "s3":
            return ErrorResponse(status, "application/xml", f"<Error>{message}</Error>".encode())
        case "sns":
            kind = "Sender" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Receiver"
            error = f"<Error><Type>{kind}</Type>{message}</Error><RequestId>injected</RequestId>"
            body = f"<ErrorResponse>{error}</ErrorResponse>".encode()
            return ErrorResponse(status, "text/xml", body)
    body = json.dumps({"__type": code, "message": "injected"}).encode()
    return ErrorResponse(status, "application/x-amz-json-1.0", body)
