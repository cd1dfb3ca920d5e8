"""One JSON object a line, with the ids of what it is about; X-Ray only where it is on."""

import json
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shared import telemetry
from shared.errors import Throttled
from shared.metrics import AGE, DEAD_LETTERS, DURATION, EFFECTS, EXPECTED_EFFECTS, THROTTLED
from shared.telemetry import HopMetrics, about, carried, count, expect_effects, log, traced
from tests.captured_logs import captured_logs
from tests.captured_logs import lines as decoded

ROOT = Path(__file__).parents[3]


@pytest.fixture
def lines() -> Iterator[Any]:
    """Starts telemetry as a function does; the lines it has put on standard output since."""
    with captured_logs("toy") as out:
        yield lambda: decoded(out)


def test_a_line_is_one_json_object_with_its_fields(lines: Any) -> None:
    log.info("seen %s", "before", extra={"event_id": "e1", "path": Path("a")})
    (line,) = lines()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO",
        "message": "seen before",
        "service": "toy",
        "stage": "test",
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


def fail(word: str) -> None:
    raise ZeroDivisionError(word)


def failing_with(word: str) -> None:
    try:
        fail(word)
    except ZeroDivisionError:
        log.exception("it failed")


def test_an_error_is_told_by_its_type_and_place_and_not_by_its_words(lines: Any) -> None:
    failing_with("jane@example.org")
    (line,) = lines()
    assert line["level"] == "ERROR"
    assert line["exception"].endswith("ZeroDivisionError")
    assert "in fail" in line["exception"]
    assert "jane" not in json.dumps(line)


def test_at_level_debug_an_error_is_told_in_its_words_too(lines: Any) -> None:
    log.setLevel("DEBUG")
    failing_with("jane@example.org")
    assert lines()[0]["exception"].endswith("ZeroDivisionError: jane@example.org")


def test_what_is_below_the_level_is_not_logged(lines: Any) -> None:
    log.debug("a detail")
    assert lines() == []


def test_starting_twice_logs_once(lines: Any) -> None:
    telemetry.start("toy")
    ours = [one for one in log.handlers if isinstance(one.formatter, telemetry.JsonLines)]
    assert len(ours) == 1
    assert not log.propagate
    assert lines() == []


# ---- metrics -----------------------------------------------------------------------------------


def numbers(line: dict[str, Any]) -> dict[str, Any]:
    """The numbers that CloudWatch reads off a line, by name."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Darkroom"
    assert directive["Dimensions"] == [["stage", "service"]]
    assert all(isinstance(line[name], str) for name in directive["Dimensions"][0])
    return {each["Name"]: line[each["Name"]] for each in directive["Metrics"]}


def test_a_number_is_a_line_that_cloudwatch_reads(lines: Any) -> None:
    count("kept", DEAD_LETTERS, 2, reason="unreadable")
    (line,) = lines()
    assert numbers(line) == {"DeadLetters": 2}
    assert line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] == "Count"
    assert (line["stage"], line["service"], line["reason"]) == ("test", "toy", "unreadable")
    assert line["_aws"]["Timestamp"] > 1_700_000_000_000


def test_a_number_may_be_about_another_service(lines: Any) -> None:
    count("kept", DEAD_LETTERS, service="resize")
    assert lines()[0]["service"] == "resize"


def test_numbers_are_told_at_every_level(lines: Any) -> None:
    log.setLevel("ERROR")
    count("sent", EFFECTS)
    assert numbers(lines()[0]) == {"Effects": 1}


def test_a_hop_is_one_line_with_all_its_numbers(lines: Any) -> None:
    with about(event_id="e1"), HopMetrics() as this:
        expect_effects(4)
        this.note(AGE, 120.5)
    (line,) = lines()
    assert set(numbers(line)) == {"ExpectedEffects", "Age", "Duration"}
    assert (line["ExpectedEffects"], line["Age"], line["outcome"]) == (4, 120.5, "done")
    assert (line["event_id"], line["message"]) == ("e1", "hop")
    assert 0 <= line["Duration"] < 60_000


def test_what_is_wanted_counts_once_it_is_done(lines: Any) -> None:
    with HopMetrics() as this:
        expect_effects(4)
        this.fail("retry", Throttled("throttled", "jane@example.org"), counts_as_attempt=False)
    (line,) = lines()
    assert EXPECTED_EFFECTS.name not in line
    assert numbers(line).keys() == {THROTTLED.name, DURATION.name}
    assert (line["outcome"], line["reason"], line["counts_as_attempt"]) == (
        "retry",
        "throttled",
        False,
    )
    assert "jane" not in json.dumps(line)


def test_a_hop_that_fails_is_told_all_the_same(lines: Any) -> None:
    with pytest.raises(ZeroDivisionError), HopMetrics():
        fail("x")
    (line,) = lines()
    assert (line["outcome"], line["reason"]) == ("error", "internal-error")


def test_who_is_killed_in_a_hop_tells_nothing(lines: Any) -> None:
    with pytest.raises(KeyboardInterrupt), HopMetrics():
        raise KeyboardInterrupt
    assert lines() == []


def test_half_a_character_is_told_as_well_as_any(lines: Any) -> None:
    log.info("seen", extra={"path": "\ud800"})
    assert lines()[0]["path"] == "\ud800"


def test_outside_of_a_hop_nothing_is_wanted(lines: Any) -> None:
    expect_effects(1)
    assert lines() == []


def test_what_is_carried_to_another_thread_is_told_with_the_same_facts(lines: Any) -> None:
    with about(event_id="e1"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(carried(lambda: count("sent", EFFECTS))).result() is None
    (line,) = lines()
    assert (line["event_id"], line["stage"], line["service"]) == ("e1", "test", "toy")


# ---- traces ------------------------------------------------------------------------------------


def test_with_tracing_off_a_trace_is_nothing_at_all() -> None:
    with traced(PARENT, image="i1"):
        assert telemetry._Trace.recorder is None


def in_a_process_of_its_own(script: str, **variables: str) -> dict[str, Any]:
    """What the script prints last; X-Ray patches botocore for as long as a process lives."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

LISTENING = """
import json, socket, sys
from shared import telemetry
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 0))
sink.settimeout(30)
telemetry.start("toy", tracing=True)
from aws_xray_sdk.core import xray_recorder
xray_recorder.configure(daemon_address="127.0.0.1:%d" % sink.getsockname()[1])

def heard():
    # what the daemon would be sent: a header, and a document in the line below it
    return json.loads(sink.recv(65536).decode().splitlines()[-1])
"""


def test_with_tracing_off_x_ray_is_never_loaded() -> None:
    script = """
import json, sys
from shared import telemetry
telemetry.start("toy")
print(json.dumps({"loaded": "aws_xray_sdk" in sys.modules}))
"""
    assert in_a_process_of_its_own(script) == {"loaded": False}


def test_with_tracing_on_each_event_is_a_segment_of_its_images_trace() -> None:
    script = f"""{LISTENING}
with telemetry.traced({PARENT!r}, image="i1", event="image.resized.v1"):
    pass
print(json.dumps(heard()))
"""
    sent = in_a_process_of_its_own(script)
    assert (sent["name"], sent["trace_id"]) == ("toy", "1-0af76519-16cd43dd8448eb211c80319c")
    known = {"image": "i1", "event": "image.resized.v1", "stage": "local"}
    assert sent["annotations"] == known


def test_calls_of_aws_are_part_of_it_on_any_thread_and_tell_no_key() -> None:
    script = f"""{LISTENING}
import boto3
from concurrent.futures import ThreadPoolExecutor
from moto import mock_aws
with mock_aws():
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="t", aws_secret_access_key="t")
    s3.create_bucket(Bucket="uploads")
    with telemetry.traced({PARENT!r}, image="i1"), ThreadPoolExecutor(1) as pool:
        s3.put_object(Bucket="uploads", Key="jane@example.org.jpg", Body=b"x")
        pool.submit(telemetry.carried(s3.list_buckets)).result()
print(json.dumps(heard()))
"""
    sent = in_a_process_of_its_own(script)
    called = [part["aws"]["operation"] for part in sent["subsegments"]]
    assert called == ["PutObject", "ListBuckets"]
    assert "jane" not in json.dumps(sent)


def test_an_error_marks_its_segment_and_is_not_quoted_there() -> None:
    script = f"""{LISTENING}
try:
    with telemetry.traced({PARENT!r}, image="i1"):
        raise KeyError("jane@example.org")
except KeyError:
    print(json.dumps(heard()))
"""
    sent = in_a_process_of_its_own(script)
    assert sent["fault"] is True
    assert "jane" not in json.dumps(sent)


def test_all_hops_of_an_image_are_segments_of_one_trace() -> None:
    """Also the first, although S3 hands no trace on, and the compensation of one that failed."""
    script = f"""{LISTENING}
from shared.errors import PermanentError
from tests.pictures import encoded, photo
from tests.lab.simulator.scripted import ScriptedSaga
saga = ScriptedSaga()
saga.recognizer.failures = [PermanentError("no", "no")]
image = saga.upload(encoded(photo(120, 80), "JPEG"))
saga.run()
parts = [heard() for _ in range({FAILED_HOPS})]
print(json.dumps({{"image": image, "parts": parts}}))
"""
    told = in_a_process_of_its_own(script)
    trace = told["image"].replace("-", "")
    assert {part["trace_id"] for part in told["parts"]} == {f"1-{trace[:8]}-{trace[8:]}"}
    assert {part["annotations"]["image"] for part in told["parts"]} == {told["image"]}
    answered = [part["annotations"]["event"] for part in told["parts"]]
    assert Counter(answered) == {
        "image.uploaded.v1": 1,
        "image.resized.v1": 2,
        "step.failed.v1": 1,
        "image.failed.v1": 3,
    }


FAILED_HOPS = 7
"""Of resize, analyze, store twice, and of the three that answer the verdict."""


def test_on_lambda_a_hop_is_in_its_images_trace_and_all_else_in_the_invocations() -> None:
    script = f"""{LISTENING}
import boto3
from moto import mock_aws
with mock_aws():
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="t", aws_secret_access_key="t")
    with telemetry.traced({PARENT!r}, image="i1"):
        s3.list_buckets()
    s3.list_buckets()
parts = [heard() for _ in range(3)]
print(json.dumps({{"traces": [[part["name"], part["trace_id"]] for part in parts]}}))
"""
    invocation = "1-5759e988-bd862e3fe1be46a994272793"
    header = f"Root={invocation};Parent=53995c3f42cd8ad8;Sampled=1"
    told = in_a_process_of_its_own(script, LAMBDA_TASK_ROOT="/var/task", _X_AMZN_TRACE_ID=header)
    image = "1-0af76519-16cd43dd8448eb211c80319c"
    assert sorted(told["traces"]) == [["s3", image], ["s3", invocation], ["toy", image]]


def test_with_tracing_on_calls_between_the_hops_go_on_untraced() -> None:
    script = f"""{LISTENING}
import boto3
from moto import mock_aws
with mock_aws():
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="t", aws_secret_access_key="t")
    print(json.dumps({{"buckets": s3.list_buckets()["Buckets"]}}))
"""
    assert in_a_process_of_its_own(script) == {"buckets": []}
