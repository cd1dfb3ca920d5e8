"""The functions' logs in the terminal: readable lines, or every line unchanged as JSON."""

import json
import time
from datetime import UTC, datetime
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest

from infra.cli import operations
from infra.cli.main import main
from infra.operations.logs import Line, Logs
from infra.terminal import Style
from shared import telemetry
from shared.metrics import EFFECTS
from tests.captured_logs import captured_logs
from tests.contract.samples import CAT
from tests.unit.operations.conftest import Stage

NOW = time.time() // 3600 * 3600
"""The start of this hour: CloudWatch accepts no old and no future times."""


def at(seconds: float) -> str:
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat(timespec="milliseconds")


PLAIN = Style()
HOP = {
    "time": at(0.25),
    "level": "INFO",
    "message": "hop",
    "service": "analyze",
    "stage": "test",
    "correlation_id": CAT,
    "event_id": "e1",
    "event_type": "image.resized.v1",
    "run": 2,
    "outcome": "retry",
    "attempts": 1,
    "reason": "throttled",
    "Duration": 61.4,
    "_aws": {},
}
FAILURE = {"time": at(0.1), "level": "ERROR", "message": "dead-lettered", "reason": "x"}


class LogGroups:
    """Logs in moto, a group for each of two functions."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.logs = Logs({"analyze": "d-analyze", "resize": "d-resize"}, client)
        self.write("analyze")

    def write(self, service: str, *lines: Any) -> None:
        group = f"/aws/lambda/d-{service}"
        if not self.client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            self.client.create_log_group(logGroupName=group)
            self.client.create_log_stream(logGroupName=group, logStreamName="s")
        events = [
            {
                "timestamp": int(NOW * 1000),
                "message": line if isinstance(line, str) else json.dumps(line),
            }
            for line in lines
        ]
        if events:
            self.client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


@pytest.fixture
def log_groups(stage: Stage) -> LogGroups:
    return LogGroups(stage.client("logs"))


def readable(message: Any) -> str:
    text = message if isinstance(message, str) else json.dumps(message)
    line = Line.of("analyze", {"timestamp": NOW * 1000, "message": text})
    return line.readable(PLAIN) if line.worth_reading else ""


def test_a_hop_is_one_line_with_its_image_outcome_and_reason() -> None:
    _, service, image, kind, *rest = readable(HOP).split()
    assert (service, image, kind) == ("analyze", f"{CAT[:8]}/2", "image.resized.v1")
    assert " ".join(rest) == "retry 61 ms attempts=1 reason=throttled"


def test_the_time_of_a_line_is_its_own_time_in_milliseconds() -> None:
    assert readable(HOP).split()[0].endswith(":00.250")
    assert readable("Task timed out after 30.00 seconds").split()[0].endswith(":00.000")


def test_failures_are_shown_in_red() -> None:
    line = Line.of("analyze", {"timestamp": 0, "message": json.dumps(FAILURE)})
    assert "\033[31mdead-lettered\033[0m reason=x" in line.readable(Style(colour=True))


@pytest.mark.parametrize(
    "platform",
    [
        "START RequestId: 1 Version: $LATEST",
        "REPORT RequestId: 1\tDuration: 3 ms",
        {
            "time": at(0),
            "type": "platform.report",
            "record": {"status": "success"},
        },
        {"time": at(0), "type": "platform.start", "record": {"requestId": "1"}},
    ],
)
def test_lambdas_own_lines_about_each_invocation_are_left_out(platform: Any) -> None:
    assert readable(platform) == ""


@pytest.mark.parametrize(
    "platform",
    [
        "1 Task timed out after 30.00 seconds",
        {
            "time": at(0),
            "type": "platform.report",
            "record": {"status": "timeout"},
        },
    ],
)
def test_lambdas_own_lines_about_a_failure_are_shown(platform: Any) -> None:
    assert "time" in readable(platform)


def test_with_json_every_line_is_a_json_document() -> None:
    for text in ("START RequestId: 1", json.dumps(HOP)):
        line = Line.of("resize", {"timestamp": NOW * 1000, "message": text})
        assert json.loads(line.as_json())["message"] in {"hop", "START RequestId: 1"}


def test_lines_of_all_functions_come_in_the_order_they_were_written(log_groups: LogGroups) -> None:
    log_groups.write("analyze", HOP)
    log_groups.write("resize", FAILURE)
    lines = log_groups.logs.lines(NOW - 60)
    assert [line.service for line in lines] == ["resize", "analyze"]


def test_lines_of_an_image_are_those_that_contain_its_id(log_groups: LogGroups) -> None:
    log_groups.write("analyze", HOP, FAILURE)
    (line,) = log_groups.logs.lines(NOW - 60, image=CAT)
    assert line.fields["message"] == "hop"


def test_lines_are_filtered_by_image_if_the_emulator_does_not(log_groups: LogGroups) -> None:
    log_groups.write("analyze", HOP, FAILURE)
    paginator = log_groups.client.get_paginator("filter_log_events")
    client = SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(paginate=unfiltered(paginator))
    )
    (line,) = Logs(log_groups.logs.functions, client).lines(NOW - 60, image=CAT)
    assert line.fields["message"] == "hop"


def unfiltered(paginator: Any) -> Any:
    """Ignores the filter, like LocalStack 4.14."""
    return lambda filterPattern=None, **request: paginator.paginate(**request)  # noqa: N803 - boto3's name


def test_follow_shows_each_line_once_including_late_ones(log_groups: LogGroups) -> None:
    late = {**FAILURE, "time": at(-5), "message": "late"}
    coming = [[HOP], [], [late, HOP | {"event_id": "e2"}]]

    def more(_seconds: float) -> None:
        log_groups.write("analyze", *coming.pop(0))

    followed = islice(log_groups.logs.follow(NOW - 60, None, more), 3)
    seen = [line.fields.get("event_id", line.fields["message"]) for line in followed]
    assert seen == ["e1", "late", "e2"]


@pytest.fixture
def command(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Lets the command line use the stage in moto."""
    outputs = stage.images.outputs
    monkeypatch.setattr(operations.Outputs, "read", lambda *_: outputs)
    monkeypatch.setattr(
        operations.options, "stage_and_clients", lambda _: (None, stage.images.clients)
    )
    return stage


def test_an_unknown_service_is_an_error_that_lists_the_services(command: Stage, capsys) -> None:
    assert main(["logs", "resise"]) == 1
    assert "there is no service 'resise'; choose from: " in capsys.readouterr().err


def test_a_period_without_log_lines_is_reported(command: Stage, capsys) -> None:
    assert main(["logs", "--since", "1m"]) == 0
    assert "no log lines in this period; try --since 2h" in capsys.readouterr().err


def test_an_invalid_image_id_is_an_error_that_names_where_to_find_one(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["logs", "--image", "cat.jpg"])
    assert "is not an image id" in capsys.readouterr().err


def test_a_telemetry_line_is_readable() -> None:
    """Telemetry writes fields that the log reader knows."""
    with captured_logs("resize") as out:
        telemetry.count("renditions created", EFFECTS)
    assert readable(out.getvalue()).split(maxsplit=2)[2] == "renditions created"
