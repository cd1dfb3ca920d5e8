"""Show the logs of a stage's functions, from CloudWatch or an emulator: `python -m infra logs`.

A JSON line of a service is formatted as text. Lambda's own lines are left out unless they report a
failure. `--json` prints every line unchanged.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.errors import InfraError
from infra.terminal import Style
from shared.metrics import METRICS

POLL_INTERVAL = 1.0
"""s between two requests when following."""
MAX_DELAY = 10.0
"""s by which a line may arrive after a newer line of another container."""
PLATFORM = ("START ", "END ", "REPORT ", "INIT_START ", "INIT_REPORT ")
NOT_REPEATED = frozenset(
    {
        *("time", "level", "message", "service", "stage", "run", "outcome", "_aws"),
        *("correlation_id", "message_id", "event_id", "event_type"),
        *("timestamp", "requestId"),  # of other loggers, in Lambda's JSON format
        *(metric.name for metric in METRICS),
    }
)
GOOD = frozenset({"done", "compensated", "duplicate"})


@dataclass(frozen=True)
class Line:
    """One line of one function's log."""

    service: str
    at: float
    """Epoch seconds: the line's own time if it has one, else the time CloudWatch received it."""
    id: str
    text: str
    fields: Mapping[str, Any]
    """The fields of a JSON line; empty for any other line."""

    @classmethod
    def of(cls, service: str, event: Mapping[str, Any]) -> "Line":
        text = event["message"].strip()
        fields = _fields(text)
        at = _written(fields) or event["timestamp"] / 1000
        line_id = event.get("eventId") or f"{event.get('logStreamName')}/{at}/{text}"
        return cls(service, at, line_id, text, fields)

    @property
    def ours(self) -> bool:
        return "message" in self.fields

    @property
    def worth_reading(self) -> bool:
        """Whether a function wrote it, or Lambda reports a failure."""
        if self.ours or not self.fields:
            return bool(self.text) and not self.text.startswith(PLATFORM)
        return bool(self.fields.get("record", {}).get("status", "success") != "success")

    def as_json(self) -> str:
        """The line unchanged; a line that is not JSON is wrapped in a JSON object."""
        if self.fields:
            return self.text
        return json.dumps({"service": self.service, "time": _iso(self.at), "message": self.text})

    def readable(self, style: Style) -> str:
        """Time, service, image and run, and the message."""
        clock = datetime.fromtimestamp(self.at).astimezone().strftime("%H:%M:%S.%f")[:-3]
        message = self._message(style)
        columns = [style.dim(clock), f"{self.service:<8}", f"{self._image:<10}", message]
        return "  ".join(columns).rstrip()

    @property
    def _image(self) -> str:
        image = str(self.fields.get("correlation_id", ""))
        return f"{image[:8]}/{self.fields.get('run', '')}" if image else ""

    def _message(self, style: Style) -> str:
        if not self.ours:
            return style.bad(self.text)
        if self.fields["message"] == "hop":
            return self._hop(style)
        bad = "reason" in self.fields or self.fields.get("level") not in {"DEBUG", "INFO"}
        message = str(self.fields["message"])
        return " ".join([style.bad(message) if bad else message, *self._rest()])

    def _hop(self, style: Style) -> str:
        outcome = str(self.fields["outcome"])
        coloured = style.good(outcome) if outcome in GOOD else style.bad(outcome)
        took = f"{self.fields['Duration']:,.0f} ms"
        return " ".join([f"{self.fields['event_type']:<18}", coloured, took, *self._rest()])

    def _rest(self) -> Iterator[str]:
        for name, value in self.fields.items():
            if name not in NOT_REPEATED:
                yield f"{name}={value if isinstance(value, str) else json.dumps(value)}"


def _fields(text: str) -> Mapping[str, Any]:
    with suppress(ValueError):
        fields = json.loads(text)
        if isinstance(fields, dict):
            return fields
    return {}


def _written(fields: Mapping[str, Any]) -> float | None:
    with suppress(KeyError, ValueError, TypeError):
        return datetime.fromisoformat(fields["time"]).timestamp()
    return None  # other loggers write whole seconds; CloudWatch's time is more precise


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Logs:
    """The logs of some functions of a stage."""

    functions: Mapping[str, str]
    """Their names, by service."""
    client: Any

    @classmethod
    def of(cls, outputs: Outputs, clients: Clients, services: Sequence[str] = ()) -> "Logs":
        """The logs of these services, or of all; InfraError for an unknown service."""
        unknown = sorted(set(services) - set(outputs.functions))
        if unknown:
            names = ", ".join(sorted(outputs.functions))
            raise InfraError(f"there is no service {unknown[0]!r}; choose from: {names}")
        selected = services or list(outputs.functions)
        return cls({name: outputs.functions[name] for name in selected}, clients.client("logs"))

    def lines(
        self, since: float, until: float | None = None, image: str | None = None
    ) -> list[Line]:
        """Every line since a time (epoch seconds), of one image or of all, the oldest first."""
        lines = [
            Line.of(service, event)
            for service, function in self.functions.items()
            for event in self._events(function, since, until, image)
            if image is None or image in event["message"]  # LocalStack 4.14 filters nothing
        ]
        return sorted(lines, key=lambda line: line.at)

    def _events(
        self, function: str, since: float, until: float | None, image: str | None
    ) -> Iterator[Mapping[str, Any]]:
        request: dict[str, Any] = {
            "logGroupName": f"/aws/lambda/{function}",
            "startTime": int(since * 1000),
        }
        if until:
            request["endTime"] = int(until * 1000)
        if image:
            request["filterPattern"] = f'"{image}"'
        try:
            for page in self.client.get_paginator("filter_log_events").paginate(**request):
                yield from page["events"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise  # an emulator creates the group with its first line

    def follow(
        self, since: float, image: str | None, sleep: Callable[[float], None] = time.sleep
    ) -> Iterator[Line]:
        """Every line as it arrives, without end; late lines are included."""
        seen: dict[str, float] = {}
        while True:
            for line in self.lines(since, image=image):
                if line.id not in seen:
                    seen[line.id] = line.at
                    yield line
            since = max(since, max(seen.values(), default=since) - MAX_DELAY)
            sleep(POLL_INTERVAL)
