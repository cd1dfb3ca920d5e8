"""The event bus that outcomes are handed on to."""

from collections.abc import Mapping
from typing import Any, Protocol

from shared.aws import THROTTLED, aws_errors
from shared.errors import Fault, PermanentError, Throttled, TransientError

REFUSED = frozenset({"NotAuthorizedForSourceException", "InvalidArgument", "MalformedDetail"})
"""What EventBridge says of an entry that no retry mends."""


class Bridge(Protocol):
    def put(self, entry: Mapping[str, object]) -> None:
        """One entry, handed over. Every call is heard, so none is repeated by the client."""
        ...


class EventBridge:
    def __init__(self, client: Any, bus: str) -> None:
        self._client = client
        self._bus = bus

    def put(self, entry: Mapping[str, object]) -> None:
        with aws_errors(
            f"the event bus {self._bus}",
            ResourceNotFoundException=("no-such-bus", Fault.INTERNAL),
            ValidationException=("refused-by-eventbridge", Fault.INTERNAL),
        ):
            said = self._client.put_events(Entries=[{**entry, "EventBusName": self._bus}])
        if said["FailedEntryCount"]:  # the call succeeds even where its entry does not
            raise _failure(said["Entries"][0])


def _failure(answer: Mapping[str, str]) -> PermanentError | TransientError:
    code = answer.get("ErrorCode", "")
    said = f"the event bus: {code} {answer.get('ErrorMessage', '')}"
    if code in REFUSED:
        return PermanentError("refused-by-eventbridge", said, fault=Fault.INTERNAL, code=code)
    if code in THROTTLED:
        return Throttled("throttled", said, code=code)
    return TransientError("unavailable", said, code=code)
