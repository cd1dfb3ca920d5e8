"""The event bus that receives the outcomes."""

from collections.abc import Mapping
from typing import Any, Protocol

from shared.aws import THROTTLED, aws_errors
from shared.errors import Fault, PermanentError, Throttled, TransientError

REFUSED = frozenset({"NotAuthorizedForSourceException", "InvalidArgument", "MalformedDetail"})
"""Error codes of an entry that no retry helps."""


class Bridge(Protocol):
    def put(self, entry: Mapping[str, object]) -> None:
        """Put one entry. Each call delivers again, so the client does not retry."""
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
            answer = self._client.put_events(Entries=[{**entry, "EventBusName": self._bus}])
        if answer["FailedEntryCount"]:  # the call succeeds even if its entry fails
            raise _failure(answer["Entries"][0])


def _failure(entry: Mapping[str, str]) -> PermanentError | TransientError:
    code = entry.get("ErrorCode", "")
    detail = f"the event bus: {code} {entry.get('ErrorMessage', '')}"
    if code in REFUSED:
        return PermanentError("refused-by-eventbridge", detail, fault=Fault.INTERNAL, code=code)
    if code in THROTTLED:
        return Throttled("throttled", detail, code=code)
    return TransientError("unavailable", detail, code=code)
