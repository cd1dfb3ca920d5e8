"""Log lines are JSON objects with the ids of their subject; X-Ray is used only if it is on."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shared import telemetry
from shared.errors import Throttled
from shared.metrics import AGE, DEAD_LETTERS, DURATION, EFFECTS, EXPECTED_EFFECTS, THROTTLED
from shared.telemetry import HopMetrics, about, count, expect_effects, log, traced, with_context
from tests.captured_logs import captured_logs
from tests.captured_logs import lines as decoded


@pytest.fixture
def lines() -> Iterator[Any]:
    """Start telemetry as a function does; returns the decoded lines of standard output."""
    with captured_logs("toy") as out:
        yield lambda: decoded(out)


def test_a_log_line_is_a_json_object_with_extra_fields(lines: Any) -> None:
    log.info("duplicate %s", "event", extra={"event_id": "e1", "path": Path("a")})
    (line,) = lines()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO",
        "message": "duplicate event",
        "service": "toy",
        "stage": "test",
        "event_id": "e1",
        "path": "a",
    }


def test_the_time_of_a_line_is_utc_with_milliseconds() -> None:
    record = logging.makeLogRecord({"created": 1_800_000_000.042, "msecs": 42.0, "msg": "x"})
    line = json.loads(telemetry.JsonLines().format(record))
    assert line["time"] == "2027-01-15T08:00:00.042Z"


def test_facts_are_on_every_line_inside_the_block_only(lines: Any) -> None:
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


def test_facts_are_removed_after_an_error(lines: Any) -> None:
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


def test_an_error_is_logged_without_its_message(lines: Any) -> None:
    failing_with("jane@example.org")
    (line,) = lines()
    assert line["level"] == "ERROR"
    assert line["exception"].endswith("ZeroDivisionError")
    assert "in fail" in line["exception"]
    assert "jane" not in json.dumps(line)


def test_an_error_is_logged_with_its_message_at_level_debug(lines: Any) -> None:
    log.setLevel("DEBUG")
    failing_with("jane@example.org")
    assert lines()[0]["exception"].endswith("ZeroDivisionError: jane@example.org")


def test_lines_below_the_level_are_not_logged(lines: Any) -> None:
    log.debug("a detail")
    assert lines() == []


def test_a_repeated_start_adds_no_handler(lines: Any) -> None:
    telemetry.start("toy")
    handlers = [
        handler for handler in log.handlers if isinstance(handler.formatter, telemetry.JsonLines)
    ]
    assert len(handlers) == 1
    assert not log.propagate
    assert lines() == []


# ---- metrics -----------------------------------------------------------------------------------


def metrics(line: dict[str, Any]) -> dict[str, Any]:
    """The metrics of a line in the embedded metric format, by name."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Darkroom"
    assert directive["Dimensions"] == [["stage", "service"]]
    assert all(isinstance(line[name], str) for name in directive["Dimensions"][0])
    return {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}


def test_a_metric_is_a_line_in_the_embedded_metric_format(lines: Any) -> None:
    count("stored", DEAD_LETTERS, 2, reason="unreadable")
    (line,) = lines()
    assert metrics(line) == {"DeadLetters": 2}
    assert line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] == "Count"
    assert (line["stage"], line["service"], line["reason"]) == ("test", "toy", "unreadable")
    assert line["_aws"]["Timestamp"] > 1_700_000_000_000


def test_a_metric_may_belong_to_another_service(lines: Any) -> None:
    count("stored", DEAD_LETTERS, service="resize")
    assert lines()[0]["service"] == "resize"


def test_metrics_are_logged_at_every_level(lines: Any) -> None:
    log.setLevel("ERROR")
    count("sent", EFFECTS)
    assert metrics(lines()[0]) == {"Effects": 1}


def test_a_hop_is_one_line_with_all_its_metrics(lines: Any) -> None:
    with about(event_id="e1"), HopMetrics() as hop:
        expect_effects(4)
        hop.note(AGE, 120.5)
    (line,) = lines()
    assert set(metrics(line)) == {"ExpectedEffects", "Age", "Duration"}
    assert (line["ExpectedEffects"], line["Age"], line["outcome"]) == (4, 120.5, "done")
    assert (line["event_id"], line["message"]) == ("e1", "hop")
    assert 0 <= line["Duration"] < 60_000


def test_expected_effects_count_only_after_success(lines: Any) -> None:
    with HopMetrics() as hop:
        expect_effects(4)
        hop.fail("retry", Throttled("throttled", "jane@example.org"), counts_as_attempt=False)
    (line,) = lines()
    assert EXPECTED_EFFECTS.name not in line
    assert metrics(line).keys() == {THROTTLED.name, DURATION.name}
    assert (line["outcome"], line["reason"], line["counts_as_attempt"]) == (
        "retry",
        "throttled",
        False,
    )
    assert "jane" not in json.dumps(line)


def test_a_failing_hop_is_logged(lines: Any) -> None:
    with pytest.raises(ZeroDivisionError), HopMetrics():
        fail("x")
    (line,) = lines()
    assert (line["outcome"], line["reason"]) == ("error", "internal-error")


def test_a_killed_hop_logs_nothing(lines: Any) -> None:
    with pytest.raises(KeyboardInterrupt), HopMetrics():
        raise KeyboardInterrupt
    assert lines() == []


def test_half_a_surrogate_pair_can_be_logged(lines: Any) -> None:
    log.info("seen", extra={"path": "\ud800"})
    assert lines()[0]["path"] == "\ud800"


def test_expected_effects_are_ignored_outside_a_hop(lines: Any) -> None:
    expect_effects(1)
    assert lines() == []


def test_a_carried_function_logs_the_same_facts_on_another_thread(lines: Any) -> None:
    with about(event_id="e1"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(with_context(lambda: count("sent", EFFECTS))).result() is None
    (line,) = lines()
    assert (line["event_id"], line["stage"], line["service"]) == ("e1", "test", "toy")


def test_with_tracing_off_there_is_no_recorder() -> None:
    with traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", image="i1"):
        assert telemetry._Trace.recorder is None
