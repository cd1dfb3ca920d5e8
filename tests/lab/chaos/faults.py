"""What goes wrong with a call, drawn from a seed, and how each service says that it did."""

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
    """The ways in which a call goes wrong. ``BEFORE`` the service heard of it, or ``AFTER`` it did
    what it was asked and before the caller hears of that.
    """

    ERROR = "error"
    THROTTLE = "throttle"
    REFUSE = "refuse"
    """The picture cannot be read, says who is paid: no retry mends it, and the image fails."""
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
"""The caller gets an answer, and nothing was done."""
DEADLY = frozenset({Kind.KILL_BEFORE, Kind.KILL_AFTER, Kind.EXIT_BEFORE, Kind.EXIT_AFTER})
EARLY = frozenset({Kind.RESET_BEFORE, Kind.KILL_BEFORE, Kind.EXIT_BEFORE, Kind.TIMEOUT_BEFORE})
"""The caller gets no answer, and nothing was done."""
LATE = frozenset({Kind.RESET_AFTER, Kind.KILL_AFTER, Kind.EXIT_AFTER, Kind.TIMEOUT_AFTER})
"""It was done, and the caller never hears of it."""

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
"""How often each is drawn beside the others: one fault in seven ends the process that meets it."""
REFUSALS = 10
"""The weight of ``REFUSE``, for calls that are paid for."""
SLOWEST = 1.0
"""s that a slow call waits at most."""


@dataclass(frozen=True)
class Fault:
    """What this one call meets. ``seconds`` is how long a slow one waits."""

    kind: Kind
    seconds: float = 0.0
    status: int = 0
    """Of an error: 500 or 503."""


Draw = Callable[[Call], Fault | None]


def none(_call: Call) -> None:
    """Nothing goes wrong."""


def delayed(seconds: Mapping[str, float]) -> Draw:
    """Nothing goes wrong, but calls of these names take so much longer, every time."""

    def draw(call: Call) -> Fault | None:
        return Fault(Kind.SLOW, seconds[call.name]) if call.name in seconds else None

    return draw


class Drawn:
    """Faults for ``rate`` of all calls (0-1). The n-th call of a name always meets the same one.

    Which image that call is about depends on how the functions are scheduled, which no seed fixes.
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
        weights = self._weights | ({Kind.REFUSE: REFUSALS} if call.pays else {})
        (kind,) = chance.choices(list(weights), list(weights.values()))
        return Fault(kind, chance.uniform(0, SLOWEST), chance.choice((500, 503)))


@dataclass(frozen=True)
class Refusal:
    """An answer that says no, in the service's own shape."""

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
"""How those that are paid say that they cannot read a picture."""


def refusal(service: str, fault: Fault) -> Refusal:
    """How this service words an error, a throttling or a picture it cannot read."""
    match fault.kind:
        case Kind.THROTTLE:
            status, code = THROTTLING[service]
        case Kind.REFUSE:
            status, code = HTTPStatus.BAD_REQUEST, UNREADABLE[service]
        case _:
            status = HTTPStatus(fault.status)
            unavailable = status is HTTPStatus.SERVICE_UNAVAILABLE
            code = "ServiceUnavailable" if unavailable else BROKEN[service]
    return _worded(service, status, code)


def _worded(service: str, status: int, code: str) -> Refusal:
    said = f"<Code>{code}</Code><Message>injected</Message>"
    match service:
        case "s3":
            return Refusal(status, "application/xml", f"<Error>{said}</Error>".encode())
        case "sns":
            kind = "Sender" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Receiver"
            error = f"<Error><Type>{kind}</Type>{said}</Error><RequestId>injected</RequestId>"
            return Refusal(status, "text/xml", f"<ErrorResponse>{error}</ErrorResponse>".encode())
    body = json.dumps({"__type": code, "message": "injected"}).encode()
    return Refusal(status, "application/x-amz-json-1.0", body)
