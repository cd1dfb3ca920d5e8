"""One JSON object a line, with the ids of what it is about; X-Ray only where it is on."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from shared import telemetry
from shared.telemetry import about, count, log, traced

ROOT = Path(__file__).parents[3]


@pytest.fixture
def lines() -> Iterator[Any]:
    """Starts telemetry as a function does; the lines it has put on standard output since."""
    handlers, level, propagate = log.handlers[:], log.level, log.propagate
    token = telemetry._facts.set({})
    with redirect_stdout(io.StringIO()) as out:
        telemetry.start("toy")
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    telemetry._facts.reset(token)
    log.handlers[:], log.propagate = handlers, propagate
    log.setLevel(level)


def test_a_line_is_one_json_object_with_its_fields(lines: Any) -> None:
    log.info("seen %s", "before", extra={"event_id": "e1", "path": Path("a")})
    (line,) = lines()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO",
        "message": "seen before",
        "service": "toy",
        "event_id": "e1",
        "path": "a",
    }


def test_the_time_of_a_line_is_utc_with_milliseconds() -> None:
    record = logging.makeLogRecord({"created": 1_800_000_000.042, "msecs": 42.0, "msg": "x"})
    line = json.loads(telemetry.JsonLines().format(record))
    assert line["time"] == "2027-01-15T08:00:00.042Z"


def test_facts_stand_on_every_line_inside_and_on_none_after(lines: Any) -> None:
    with about(correlation_id="i1"):
        with about(event_id="e1"):
            log.info("inner")
        log.info("outer")
    log.info("after")
    inner, outer, after = lines()
    assert (inner["correlation_id"], inner["event_id"]) == ("i1", "e1")
    assert "event_id" not in outer
    assert outer["correlation_id"] == "i1"
    assert "correlation_id" not in after


def test_facts_are_gone_when_the_inside_fails(lines: Any) -> None:
    with pytest.raises(KeyError), about(event_id="e1"):
        raise KeyError("x")
    log.info("after")
    assert "event_id" not in lines()[0]


def test_an_exception_is_part_of_its_line(lines: Any) -> None:
    log.error("it failed", exc_info=ZeroDivisionError("oops"))
    (line,) = lines()
    assert line["level"] == "ERROR"
    assert "ZeroDivisionError: oops" in line["exception"]


def test_what_is_below_the_level_is_not_logged(lines: Any) -> None:
    log.debug("a detail")
    assert lines() == []


def test_starting_twice_logs_once(lines: Any) -> None:
    telemetry.start("toy")
    ours = [one for one in log.handlers if isinstance(one.formatter, telemetry.JsonLines)]
    assert len(ours) == 1
    assert not log.propagate
    assert lines() == []


def test_a_metric_is_a_line_that_cloudwatch_reads(capsys: pytest.CaptureFixture[str]) -> None:
    count("Buried", 2, service="toy", reason="unreadable")
    line = json.loads(capsys.readouterr().out)
    (metric,) = line["_aws"]["CloudWatchMetrics"]
    assert metric["Dimensions"] == [["reason", "service"]]
    assert metric["Metrics"] == [{"Name": "Buried", "Unit": "Count"}]
    assert (line["Buried"], line["service"], line["reason"]) == (2, "toy", "unreadable")


def test_with_tracing_off_a_trace_is_nothing_at_all() -> None:
    with traced("image.resized.v1", image="i1"):
        assert telemetry._Trace.recorder is None


def in_a_process_of_its_own(script: str) -> dict[str, Any]:
    """What the script prints last; X-Ray patches botocore for as long as a process lives."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


TRACED = """
import json, socket, sys
from shared import telemetry
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 0))
sink.settimeout(30)
telemetry.start("toy", tracing={tracing})
if {tracing}:
    from aws_xray_sdk.core import xray_recorder
    xray_recorder.configure(daemon_address="127.0.0.1:%d" % sink.getsockname()[1], sampling=False)
    if {segment}:
        xray_recorder.begin_segment("the invocation")
with telemetry.traced("image.resized.v1", image="i1", stage="toy"):
    pass
if {tracing} and {segment}:
    xray_recorder.end_segment()
    print(sink.recv(65536).decode().splitlines()[-1])
else:
    print(json.dumps({{"loaded": "aws_xray_sdk" in sys.modules}}))
"""


def test_with_tracing_off_x_ray_is_never_loaded() -> None:
    assert in_a_process_of_its_own(TRACED.format(tracing=False, segment=False)) == {"loaded": False}


def test_with_tracing_on_each_event_is_a_subsegment_that_names_its_image() -> None:
    sent = in_a_process_of_its_own(TRACED.format(tracing=True, segment=True))
    (part,) = sent["subsegments"]
    assert (sent["name"], part["name"]) == ("the invocation", "image.resized.v1")
    assert part["annotations"] == {"image": "i1", "stage": "toy"}


def test_with_tracing_on_but_nothing_to_be_part_of_the_work_goes_on() -> None:
    assert in_a_process_of_its_own(TRACED.format(tracing=True, segment=False)) == {"loaded": True}
