"""The functions' logs in the terminal: one-liners for people, everything as it is for scripts."""

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
"""The top of the hour: what CloudWatch is given must not be old, and not of the future."""


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
SAID = {"time": at(0.1), "level": "ERROR", "message": "dead-lettered", "reason": "x"}


class Shelf:
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
                "message": one if isinstance(one, str) else json.dumps(one),
            }
            for one in lines
        ]
        if events:
            self.client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


@pytest.fixture
def shelf(stage: Stage) -> Shelf:
    return Shelf(stage.client("logs"))


def readable(message: Any) -> str:
    text = message if isinstance(message, str) else json.dumps(message)
    line = Line.of("analyze", {"timestamp": NOW * 1000, "message": text})
    return line.readable(PLAIN) if line.worth_reading else ""


def test_a_hop_is_one_line_with_its_image_outcome_and_reason() -> None:
    _, service, image, kind, *rest = readable(HOP).split()
    assert (service, image, kind) == ("analyze", f"{CAT[:8]}/2", "image.resized.v1")
    assert " ".join(rest) == "retry 61 ms attempts=1 reason=throttled"


def test_the_time_is_when_it_was_written_with_milliseconds() -> None:
    assert readable(HOP).split()[0].endswith(":00.250")
    assert readable("Task timed out after 30.00 seconds").split()[0].endswith(":00.000")


def test_what_went_wrong_is_painted_so() -> None:
    line = Line.of("analyze", {"timestamp": 0, "message": json.dumps(SAID)})
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
def test_what_lambda_says_of_every_invocation_is_left_out(platform: Any) -> None:
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
def test_what_lambda_says_of_a_failure_is_shown(platform: Any) -> None:
    assert "time" in readable(platform)


def test_for_scripts_every_line_is_json() -> None:
    for said in ("START RequestId: 1", json.dumps(HOP)):
        line = Line.of("resize", {"timestamp": NOW * 1000, "message": said})
        assert json.loads(line.as_json())["message"] in {"hop", "START RequestId: 1"}


def test_lines_of_all_functions_come_in_the_order_they_were_written(shelf: Shelf) -> None:
    shelf.write("analyze", HOP)
    shelf.write("resize", SAID)
    found = shelf.logs.lines(NOW - 60)
    assert [line.service for line in found] == ["resize", "analyze"]


def test_only_what_names_the_image_is_about_it(shelf: Shelf) -> None:
    shelf.write("analyze", HOP, SAID)
    (line,) = shelf.logs.lines(NOW - 60, image=CAT)
    assert line.fields["message"] == "hop"


def test_where_the_emulator_filters_nothing_it_is_done_here(shelf: Shelf) -> None:
    shelf.write("analyze", HOP, SAID)
    paginator = shelf.client.get_paginator("filter_log_events")
    client = SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(paginate=unfiltered(paginator))
    )
    (line,) = Logs(shelf.logs.functions, client).lines(NOW - 60, image=CAT)
    assert line.fields["message"] == "hop"


def unfiltered(paginator: Any) -> Any:
    """As LocalStack 4.14 answers."""
    return lambda filterPattern=None, **asked: paginator.paginate(**asked)  # noqa: N803 - boto3's name


def test_following_shows_each_line_once_and_those_that_come_late(shelf: Shelf) -> None:
    late = {**SAID, "time": at(-5), "message": "late"}
    coming = [[HOP], [], [late, HOP | {"event_id": "e2"}]]

    def more(_seconds: float) -> None:
        shelf.write("analyze", *coming.pop(0))

    followed = islice(shelf.logs.follow(NOW - 60, None, more), 3)
    seen = [line.fields.get("event_id", line.fields["message"]) for line in followed]
    assert seen == ["e1", "late", "e2"]


@pytest.fixture
def command(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The command line works on the stage in memory."""
    outputs = stage.images.outputs
    monkeypatch.setattr(operations.Outputs, "read", lambda *_: outputs)
    monkeypatch.setattr(
        operations.options, "stage_and_clients", lambda _: (None, stage.images.clients)
    )
    return stage


def test_a_service_that_is_not_there_is_told_with_those_that_are(command: Stage, capsys) -> None:
    assert main(["logs", "resise"]) == 1
    assert "there is no service 'resise'; choose among: " in capsys.readouterr().err


def test_a_time_in_which_nothing_was_logged_is_said_to_be_one(command: Stage, capsys) -> None:
    assert main(["logs", "--since", "1m"]) == 0
    assert "--since 2h looks further back" in capsys.readouterr().err


def test_what_is_no_id_is_told_where_ids_are(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["logs", "--image", "cat.jpg"])
    assert "is no image's id" in capsys.readouterr().err


def test_every_number_of_ours_reads_back_as_a_line() -> None:
    """What telemetry writes is what this reads."""
    with captured_logs("resize") as out:
        telemetry.count("renditions created", EFFECTS)
    assert readable(out.getvalue()).split(maxsplit=2)[2] == "renditions created"
