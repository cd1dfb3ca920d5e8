"""Structured logs, metrics and traces, and the ids that join what belongs to one image.

Every line is one JSON object. What ``about`` was told stands on each line logged inside it.
``aws_xray_sdk`` is in maintenance and slow to import (about 500 ms of CPU): nothing but this module
knows it, and it is loaded only where tracing is on.
"""

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

log = logging.getLogger("darkroom")

_facts: ContextVar[Mapping[str, object]] = ContextVar("facts", default=MappingProxyType({}))
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Trace:
    """The X-Ray recorder once tracing is on, else None."""

    recorder: Any = None


class JsonLines(logging.Formatter):
    """One line of JSON for each record: when, how bad, what happened, about what."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            **_facts.get(),
        }
        line.update({k: v for k, v in vars(record).items() if k not in _OF_EVERY_RECORD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def start(service: str, *, level: str = "INFO", tracing: bool = False) -> None:
    """Once for each container: send the log to standard output, and load the tracer if it is on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    log.handlers[:] = [handler]
    log.setLevel(level)
    log.propagate = False
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells of every endpoint it finds
    _facts.set({"service": service})
    if tracing:
        _start_tracing(service)


def _start_tracing(service: str) -> None:
    from aws_xray_sdk.core import patch, xray_recorder  # noqa: PLC0415 - see the module's docstring

    xray_recorder.configure(service=service, context_missing="LOG_ERROR")
    patch(["botocore"])
    _Trace.recorder = xray_recorder


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Put these facts on every line logged inside, beside those that are there already."""
    token = _facts.set({**_facts.get(), **facts})
    try:
        yield
    finally:
        _facts.reset(token)


@contextmanager
def traced(name: str, **annotations: str) -> Iterator[None]:
    """A subsegment with these annotations where tracing is on; nothing at all where it is off."""
    if _Trace.recorder is None:
        yield
        return
    with _Trace.recorder.in_subsegment(name) as segment:
        for key, value in annotations.items() if segment else ():  # None: nothing to be part of
            segment.put_annotation(key, value)
        yield


def count(metric: str, value: float = 1, **dimensions: str) -> None:
    """One metric, in CloudWatch's embedded format: a log line that CloudWatch reads as a number."""
    print(  # noqa: T201 - the format is a bare line on standard output
        json.dumps(
            {
                "_aws": {
                    "Timestamp": int(time.time() * 1000),
                    "CloudWatchMetrics": [
                        {
                            "Namespace": "Darkroom",
                            "Dimensions": [sorted(dimensions)],
                            "Metrics": [{"Name": metric, "Unit": "Count"}],
                        }
                    ],
                },
                metric: value,
                **dimensions,
            }
        )
    )
