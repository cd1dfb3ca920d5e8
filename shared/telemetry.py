"""Structured logs, metrics and traces, and the ids that join what belongs to one image.

Every line is one JSON object. What ``about`` was told stands on each line logged inside it. A line
says which image, which event and why. It quotes nothing that came from outside: what was uploaded,
under which key, what was seen in it, whose it is, nor the messages of errors, which repeat what
they stumbled over. Such words are logged at level DEBUG alone.

``aws_xray_sdk`` is in maintenance and slow to import (about 500 ms of CPU): nothing but this module
knows it, and it is loaded only where tracing is on.
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
    """The X-Ray recorder once tracing is on, else None; and what holds segments of our own."""

    recorder: Any = None
    context: Any = None


class JsonLines(logging.Formatter):
    """One line of JSON for each record: when, how bad, what happened, about what."""

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
            line["exception"] = _told(record.exc_info[1])
        return _as_json(line)


def _as_json(line: Mapping[str, object]) -> str:
    """By pydantic's encoder, at a quarter of the time of Python's; that one takes anything."""
    try:
        return to_json(line, fallback=str).decode()
    except ValueError:  # half of a surrogate pair
        return json.dumps(line, default=str)


def _told(error: BaseException) -> str:
    """Of which type it was and where it was raised; what it says at level DEBUG alone."""
    if log.isEnabledFor(logging.DEBUG):
        return "".join(traceback.format_exception(error)).rstrip()
    return "".join([*traceback.format_tb(error.__traceback__), type(error).__qualname__])


def start(
    service: str, *, stage: str = "local", level: str = "INFO", tracing: bool = False
) -> None:
    """Once for each container: send the log to standard output, and load the tracer if it is on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    log.handlers[:] = [handler]
    log.setLevel(level)
    log.propagate = False
    _look_up_no_more_than_is_told()
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells of every endpoint it finds
    _facts.set({"service": service, "stage": stage})
    if tracing:
        _start_tracing(service)


def _look_up_no_more_than_is_told() -> None:
    """A tenth of what a line costs. The switches are those of Python's logging HOWTO, and no line
    of this process says where in the code it was written, or on which thread.
    """
    logging._srcfile = None  # noqa: SLF001 - the HOWTO's own switch
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class about:  # noqa: N801 - it reads as what it does; a generator would take three times as long
    """Put these facts on every line logged inside, beside those that are there already."""

    def __init__(self, **facts: object) -> None:
        self._added = facts

    def __enter__(self) -> None:
        self._token = _facts.set({**_facts.get(), **self._added})

    def __exit__(self, *_: object) -> None:
        _facts.reset(self._token)


# ---- metrics -----------------------------------------------------------------------------------


def count(what: str, metric: Metric, value: float = 1, **facts: object) -> None:
    """One number, now, on a line that says what happened. Facts say what else is known of it;
    ``service`` whom it is about, if that is not who tells it.
    """
    _emit(what, {metric: value}, facts)


class HopMetrics:
    """One try at one event, told in one line when it is over: its numbers and what became of it.

    ``with`` it: who is killed inside tells nothing.
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
            self._tell()

    def _tell(self) -> None:
        if self.facts["outcome"] != "done":
            self.numbers.pop(EXPECTED_EFFECTS, None)
        self.note(DURATION, round(1000 * (time.perf_counter() - self._began), 3))
        _emit("hop", self.numbers, self.facts)

    def note(self, metric: Metric, value: float = 1) -> None:
        """One of its numbers."""
        self.numbers[metric] = self.numbers.get(metric, 0) + value

    def end(self, outcome: str, **facts: object) -> None:
        """How it ended, and what else is known of that."""
        self.facts |= {"outcome": outcome, **facts}

    def fail(self, outcome: str, error: Exception, **facts: object) -> None:
        """How it ended because of this error."""
        if isinstance(error, Throttled):
            self.note(THROTTLED)
        self.end(outcome, reason=reason_of(error), **facts)


_hop: ContextVar[HopMetrics | None] = ContextVar("hop", default=None)


def expect_effects(effects: int) -> None:
    """This many effects are what the event at hand calls for; told if it is done by this try."""
    if current := _hop.get():
        current.note(EXPECTED_EFFECTS, effects)


def _emit(message: str, numbers: Mapping[Metric, float], facts: Mapping[str, object]) -> None:
    """A log line that CloudWatch reads as numbers (its embedded metric format), at any level."""
    directive = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": _declared(*numbers),
    }
    said = {**facts, **{metric.name: value for metric, value in numbers.items()}, "_aws": directive}
    log.handle(log.makeRecord(log.name, logging.INFO, "", 0, message, (), None, extra=said))


@cache
def _declared(*metrics: Metric) -> Sequence[Mapping[str, object]]:
    """What CloudWatch is to read off a line that has these numbers."""
    named = [{"Name": each.name, "Unit": each.unit} for each in metrics]
    return [{"Namespace": NAMESPACE, "Dimensions": [list(DIMENSIONS)], "Metrics": named}]


# ---- traces ------------------------------------------------------------------------------------


def _start_tracing(service: str) -> None:
    from aws_xray_sdk.core import patch, xray_recorder  # noqa: PLC0415 - see the module's docstring
    from aws_xray_sdk.core.context import Context  # noqa: PLC0415 - as above
    from aws_xray_sdk.ext import boto_utils  # noqa: PLC0415 - as above

    xray_recorder.configure(service=service, context_missing="IGNORE_ERROR")
    logging.getLogger("aws_xray_sdk").setLevel(logging.ERROR)  # off Lambda it warns of every call
    boto_utils.whitelist["services"].pop("s3", None)  # or it tells keys, which uploaders choose
    patch(["botocore"])
    _Trace.recorder, _Trace.context = xray_recorder, Context


def traced(traceparent: str, **annotations: str) -> AbstractContextManager[None]:
    """A segment of the trace of this event (``traceparent`` is W3C's), with the stage and these
    annotations to find it by; nothing at all where tracing is off.

    All events of an image have one trace, so all its hops are found in one place, also beyond S3,
    which hands no trace on. Every hop is sampled: a trace with holes explains nothing.
    """
    return _segment(traceparent, annotations) if _Trace.recorder else nullcontext()


@contextmanager
def _segment(traceparent: str, annotations: Mapping[str, str]) -> Iterator[None]:
    recorder, trace = _Trace.recorder, traceparent.split("-")[1]
    # Lambda's own context has no trace but the invocation's, which ends where S3 tells SQS.
    lambdas, recorder.context = recorder.context, _Trace.context("IGNORE_ERROR")
    segment = recorder.begin_segment(traceid=f"1-{trace[:8]}-{trace[8:]}", sampling=1)
    for key, value in {"stage": _facts.get().get("stage"), **annotations}.items():
        segment.put_annotation(key, value)
    try:
        yield
    except Exception:
        segment.add_fault_flag()  # without its message, which may quote what it stumbled over
        raise
    finally:
        recorder.end_segment()
        recorder.context = lambdas


def carried(call: Callable[P, T]) -> Callable[P, T]:
    """The call, to be made once on another thread, as a part of what goes on here: with the facts
    on its log lines, and in its trace.
    """
    context, recorder = copy_context(), _Trace.recorder
    entity = recorder.get_trace_entity() if recorder else None

    def there(*args: P.args, **kwargs: P.kwargs) -> T:
        if entity:
            recorder.set_trace_entity(entity)
        return context.run(call, *args, **kwargs)

    return there
