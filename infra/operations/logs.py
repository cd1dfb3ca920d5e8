"""What the functions of a stage log, from CloudWatch or the emulator's own: `python -m infra logs`.

A line that is JSON of ours becomes one that people read; what Lambda itself says is left out unless
it reports a failure. `--json` gives everything as it is.
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

EVERY = 1.0
"""s between two looks when following."""
LATE = 10.0
"""s that a line may come after one that was logged later, by another container."""
PLATFORM = ("START ", "END ", "REPORT ", "INIT_START ", "INIT_REPORT ")
SHOWN_APART = frozenset(
    {
        *("time", "level", "message", "service", "stage", "run", "outcome", "_aws"),
        *("correlation_id", "message_id", "event_id", "event_type"),
        *("timestamp", "requestId"),  # of loggers that are not ours, in Lambda's own form
        *(metric.name for metric in METRICS),
    }
)
GOOD = frozenset({"done", "compensated", "duplicate"})


@dataclass(frozen=True)
class Line:
    """One line of one function's log."""

    service: str
    at: float
    """Epoch seconds: when it was written if it says so, else when CloudWatch had it."""
    id: str
    text: str
    fields: Mapping[str, Any]
    """What it says where it is JSON of ours; else empty."""

    @classmethod
    def of(cls, service: str, event: Mapping[str, Any]) -> "Line":
        text = event["message"].strip()
        fields = _fields(text)
        at = _written(fields) or event["timestamp"] / 1000
        known = event.get("eventId") or f"{event.get('logStreamName')}/{at}/{text}"
        return cls(service, at, known, text, fields)

    @property
    def ours(self) -> bool:
        return "message" in self.fields

    @property
    def worth_reading(self) -> bool:
        """Whether somebody wrote it, or Lambda reports a failure."""
        if self.ours or not self.fields:
            return bool(self.text) and not self.text.startswith(PLATFORM)
        return bool(self.fields.get("record", {}).get("status", "success") != "success")

    def as_json(self) -> str:
        """As it was written; what is no JSON inside of some."""
        if self.fields:
            return self.text
        return json.dumps({"service": self.service, "time": _iso(self.at), "message": self.text})

    def readable(self, style: Style) -> str:
        """When, who, which run of which image, and what happened."""
        clock = datetime.fromtimestamp(self.at).astimezone().strftime("%H:%M:%S.%f")[:-3]
        words = [style.dim(clock), f"{self.service:<8}", f"{self._image:<10}", self._said(style)]
        return "  ".join(words).rstrip()

    @property
    def _image(self) -> str:
        image = str(self.fields.get("correlation_id", ""))
        return f"{image[:8]}/{self.fields.get('run', '')}" if image else ""

    def _said(self, style: Style) -> str:
        if not self.ours:
            return style.bad(self.text)
        if self.fields["message"] == "hop":
            return self._hop(style)
        bad = "reason" in self.fields or self.fields.get("level") not in {"DEBUG", "INFO"}
        message = str(self.fields["message"])
        return " ".join([style.bad(message) if bad else message, *self._rest()])

    def _hop(self, style: Style) -> str:
        outcome = str(self.fields["outcome"])
        painted = style.good(outcome) if outcome in GOOD else style.bad(outcome)
        took = f"{self.fields['Duration']:,.0f} ms"
        return " ".join([f"{self.fields['event_type']:<18}", painted, took, *self._rest()])

    def _rest(self) -> Iterator[str]:
        for name, value in self.fields.items():
            if name not in SHOWN_APART:
                yield f"{name}={value if isinstance(value, str) else json.dumps(value)}"


def _fields(text: str) -> Mapping[str, Any]:
    with suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return found
    return {}


def _written(fields: Mapping[str, Any]) -> float | None:
    with suppress(KeyError, ValueError, TypeError):
        return datetime.fromisoformat(fields["time"]).timestamp()
    return None  # other loggers write whole seconds, CloudWatch more


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
        """Of these services, or of all; InfraError for one that is not there."""
        unknown = sorted(set(services) - set(outputs.functions))
        if unknown:
            known = ", ".join(sorted(outputs.functions))
            raise InfraError(f"there is no service {unknown[0]!r}; choose among: {known}")
        chosen = services or list(outputs.functions)
        return cls({name: outputs.functions[name] for name in chosen}, clients.client("logs"))

    def lines(
        self, since: float, until: float | None = None, image: str | None = None
    ) -> list[Line]:
        """Every line since then (epoch seconds), about one image or all, the oldest first."""
        found = [
            Line.of(service, event)
            for service, function in self.functions.items()
            for event in self._events(function, since, until, image)
            if image is None or image in event["message"]  # LocalStack 4.14 filters nothing
        ]
        return sorted(found, key=lambda line: line.at)

    def _events(
        self, function: str, since: float, until: float | None, image: str | None
    ) -> Iterator[Mapping[str, Any]]:
        asked: dict[str, Any] = {
            "logGroupName": f"/aws/lambda/{function}",
            "startTime": int(since * 1000),
        }
        if until:
            asked["endTime"] = int(until * 1000)
        if image:
            asked["filterPattern"] = f'"{image}"'
        try:
            for page in self.client.get_paginator("filter_log_events").paginate(**asked):
                yield from page["events"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise  # there is no group before the first line, where an emulator makes it

    def follow(
        self, since: float, image: str | None, sleep: Callable[[float], None] = time.sleep
    ) -> Iterator[Line]:
        """Every line as it comes, for ever; those that come late are not missed."""
        seen: dict[str, float] = {}
        while True:
            for line in self.lines(since, image=image):
                if line.id not in seen:
                    seen[line.id] = line.at
                    yield line
            since = max(since, max(seen.values(), default=since) - LATE)
            sleep(EVERY)
