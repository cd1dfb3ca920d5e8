"""Structured logs, metrics and traces, with the ids that correlate what belongs to one image.

Every log line is one JSON object. The fields given to ``about`` are on every line logged inside it.
No line above level DEBUG quotes external data: object keys, owners, labels or texts found in a
picture, or error messages, which may repeat any of these.

``aws_xray_sdk`` is in maintenance and slow to import (about 500 ms of CPU). Only this module
imports it, and only where tracing is on.
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, ParamSpec, Self, TypeVar

from pydantic_core import to_json

from shared.errors import Throttled, reason_of
from shared.metrics import DIMENSIONS, DURATION, EXPECTED_EFFECTS, NAMESPACE, THROTTLED, Metric

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("darkroom")

_facts: ContextVar[Mapping[str, object]] = ContextVar("facts", default=MappingProxyType({}))
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Trace:
    """The X-Ray recorder if tracing is on, else None; and the class of its context."""

    recorder: Any = None
    context: Any = None


class JsonLines(logging.Formatter):
    """Formats a log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z",
            "level": record.levelname,
            "message": record.getMessage(),
            **_facts.get(),
        }
        line.update({k: v for k, v in vars(record).items() if k not in _OF_EVERY_RECORD})
        if record.exc_info and record.exc_info[1]:
            line["exception"] = _traceback(record.exc_info[1])
        return _as_json(line)


def _as_json(line: Mapping[str, object]) -> str:
    """By pydantic's encoder, which takes a quarter of the time of Python's."""
    try:
        return to_json(line, fallback=str).decode()
    except ValueError:  # half of a surrogate pair: only Python's encoder accepts it
        return json.dumps(line, default=str)


def _traceback(error: BaseException) -> str:
    """The error's type and stack; its message only at level DEBUG."""
    if log.isEnabledFor(logging.DEBUG):
        return "".join(traceback.format_exception(error)).rstrip()
    return "".join([*traceback.format_tb(error.__traceback__), type(error).__qualname__])


def start(
    service: str, *, stage: str = "local", level: str = "INFO", tracing: bool = False
) -> None:
    """Log to standard output, and load the tracer if it is on. Call it once in each process."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    log.handlers[:] = [handler]
    log.setLevel(level)
    log.propagate = False
    _skip_unused_lookups()
    logging.getLogger("botocore").setLevel(
        logging.WARNING
    )  # it logs every endpoint that it resolves
    _facts.set({"service": service, "stage": stage})
    if tracing:
        _start_tracing(service)


def _skip_unused_lookups() -> None:
    """Make log lines a tenth faster: do not look up the caller, thread and process, which no line
    shows. These are the switches of Python's logging HOWTO.
    """
    logging._srcfile = None  # noqa: SLF001 - the HOWTO's own switch
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class about:  # noqa: N801 - used as a function; a generator would take three times as long
    """Add these fields to every line that is logged inside the ``with`` block."""

    def __init__(self, **facts: object) -> None:
        self._added = facts

    def __enter__(self) -> None:
        self._token = _facts.set({**_facts.get(), **self._added})

    def __exit__(self, *_: object) -> None:
        _facts.reset(self._token)


# ---- metrics -----------------------------------------------------------------------------------


def count(what: str, metric: Metric, value: float = 1, **facts: object) -> None:
    """Emit one metric value, on a log line with the message ``what``. ``facts`` are further fields;
    ``service`` is the service that the metric is about, if it is not the running one.
    """
    _emit(what, {metric: value}, facts)


class HopMetrics:
    """The metrics of one attempt at one event, emitted in one log line when it ends.

    Used as a context manager. A process that is killed inside emits nothing.
    """

    def __init__(self) -> None:
        self.numbers: dict[Metric, float] = {}
        self.facts: dict[str, object] = {"outcome": "done"}

    def __enter__(self) -> Self:
        self._began, self._token = time.perf_counter(), _hop.set(self)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        _hop.reset(self._token)
        if isinstance(error, Exception):
            self.fail("error", error)
        if error is None or isinstance(error, Exception):
            self._emit()

    def _emit(self) -> None:
        if self.facts["outcome"] != "done":
            self.numbers.pop(EXPECTED_EFFECTS, None)
        self.note(DURATION, round(1000 * (time.perf_counter() - self._began), 3))
        _emit("hop", self.numbers, self.facts)

    def note(self, metric: Metric, value: float = 1) -> None:
        """Add to one of its metrics."""
        self.numbers[metric] = self.numbers.get(metric, 0) + value

    def end(self, outcome: str, **facts: object) -> None:
        """Set the outcome, and further fields."""
        self.facts |= {"outcome": outcome, **facts}

    def fail(self, outcome: str, error: Exception, **facts: object) -> None:
        """Set the outcome of an attempt that ended with this error."""
        if isinstance(error, Throttled):
            self.note(THROTTLED)
        self.end(outcome, reason=reason_of(error), **facts)


_hop: ContextVar[HopMetrics | None] = ContextVar("hop", default=None)


def expect_effects(effects: int) -> None:
    """Count the effects that the current event needs; emitted if this attempt completes it."""
    if current := _hop.get():
        current.note(EXPECTED_EFFECTS, effects)


def _emit(message: str, numbers: Mapping[Metric, float], facts: Mapping[str, object]) -> None:
    """Log a line in CloudWatch's embedded metric format, at any log level."""
    directive = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": _declared(*numbers),
    }
    fields = {
        **facts,
        **{metric.name: value for metric, value in numbers.items()},
        "_aws": directive,
    }
    log.handle(log.makeRecord(log.name, logging.INFO, "", 0, message, (), None, extra=fields))


@cache
def _declared(*metrics: Metric) -> Sequence[Mapping[str, object]]:
    """The embedded metric format's declaration of these metrics."""
    named = [{"Name": metric.name, "Unit": metric.unit} for metric in metrics]
    return [{"Namespace": NAMESPACE, "Dimensions": [list(DIMENSIONS)], "Metrics": named}]


# ---- traces ------------------------------------------------------------------------------------


def _start_tracing(service: str) -> None:
    from aws_xray_sdk.core import patch, xray_recorder  # noqa: PLC0415 - see the module's docstring
    from aws_xray_sdk.core.context import Context  # noqa: PLC0415 - as above
    from aws_xray_sdk.ext import boto_utils  # noqa: PLC0415 - as above

    xray_recorder.configure(service=service, context_missing="IGNORE_ERROR")
    logging.getLogger("aws_xray_sdk").setLevel(
        logging.ERROR
    )  # outside Lambda it warns of every call
    boto_utils.whitelist["services"].pop(
        "s3", None
    )  # it would record object keys, which uploaders choose
    patch(["botocore"])
    _Trace.recorder, _Trace.context = xray_recorder, Context


def traced(traceparent: str, **annotations: str) -> AbstractContextManager[None]:
    """An X-Ray segment in the event's trace, annotated with the stage and these values.

    ``traceparent`` is W3C's. Does nothing where tracing is off. All events of an image share one
    trace, although S3 propagates none. Every hop is sampled, so that no trace has gaps.
    """
    return _segment(traceparent, annotations) if _Trace.recorder else nullcontext()


@contextmanager
def _segment(traceparent: str, annotations: Mapping[str, str]) -> Iterator[None]:
    recorder, trace = _Trace.recorder, traceparent.split("-")[1]
    # Lambda's own context has the invocation's trace only, which ends between S3 and SQS.
    lambda_context, recorder.context = recorder.context, _Trace.context("IGNORE_ERROR")
    segment = recorder.begin_segment(traceid=f"1-{trace[:8]}-{trace[8:]}", sampling=1)
    for key, value in {"stage": _facts.get().get("stage"), **annotations}.items():
        segment.put_annotation(key, value)
    try:
        yield
    except Exception:
        segment.add_fault_flag()  # without its message, which may quote external data
        raise
    finally:
        recorder.end_segment()
        recorder.context = lambda_context


def with_context(call: Callable[P, T]) -> Callable[P, T]:
    """Wrap a call that another thread will make once, so that it has this thread's log fields and
    trace.
    """
    context, recorder = copy_context(), _Trace.recorder
    entity = recorder.get_trace_entity() if recorder else None

    def run_in_context(*args: P.args, **kwargs: P.kwargs) -> T:
        if entity:
            recorder.set_trace_entity(entity)
        return context.run(call, *args, **kwargs)

    return run_in_context
