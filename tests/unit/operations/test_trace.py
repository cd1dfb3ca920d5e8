"""The timeline of one image, from the tables and the logs."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.cli import operations
from infra.cli.main import main
from infra.errors import InfraError
from infra.operations.logs import Line
from infra.operations.trace import Trace, merged
from infra.terminal import Style
from services.store.records import DynamoRecordsWriter
from shared.ledger import ClaimKey, DynamoLedger
from shared.metrics import DURATION
from shared.records import TimelineEvent
from tests.contract.samples import ANALYZED, CAT, RESIZED, STEP_FAILED, TEXT
from tests.unit.operations.conftest import Stage
from tests.unit.shared.test_hops import HOPS

PLAIN = Style()
NOW = time.time()


def attempt(service: str, event: str, outcome: str, at: float, **more: Any) -> Line:
    fields = {
        "time": datetime.fromtimestamp(at, UTC).isoformat(),
        "message": "hop",
        "correlation_id": CAT,
        "event_id": event,
        "event_type": "image.resized.v1",
        "run": 0,
        "outcome": outcome,
        DURATION.name: 250.0,
        **more,
    }
    return Line.of(service, {"timestamp": at * 1000, "message": json.dumps(fields)})


def test_a_hop_in_tables_and_logs_appears_once() -> None:
    steps = merged(
        HOPS, [attempt("analyze", "e1", "done", 103.0), attempt("store", "e2", "done", 103.2)]
    )
    assert [step.service for step in steps] == ["resize", "analyze", "store", "notify"]


def test_a_failed_attempt_is_ordered_by_its_start_and_shows_its_reason() -> None:
    retry = attempt("analyze", "e1", "retry", 101.9, reason="throttled", seconds=30.0, attempts=1)
    step = merged(HOPS, [retry])[1]
    assert (step.service, step.outcome, step.attempts) == ("analyze", "retry", 1)
    assert (step.reason, step.worked) == ("throttled, retry in 30 s", 0.25)
    assert step.at == pytest.approx(101.65)


def test_a_compensation_is_taken_from_the_log() -> None:
    steps = merged(HOPS, [attempt("resize", "f", "compensated", 105.0)])
    assert (steps[-1].service, steps[-1].outcome) == ("resize", "compensated")


@pytest.fixture
def failed(stage: Stage) -> Stage:
    """An image that failed at its analysis, after one throttled attempt."""
    report = STEP_FAILED.model_copy(update={"image": CAT, "stage": "analyze"})
    stage.put_record(RESIZED, report)
    dynamodb = stage.client("dynamodb")
    ledger, records = DynamoLedger(dynamodb, "ledger"), DynamoRecordsWriter(dynamodb, "records")
    for service, kind, event, began in (
        ("resize", "image.uploaded.v1", "e0", NOW - 10),
        ("analyze", "image.resized.v1", "e1", NOW - 5),
    ):
        claim = ledger.claim(ClaimKey.of(service, CAT, kind, event), service, began, 40)
        ledger.complete(claim, began + 1)
    for event, kind, source, at in (
        ("e1", "image.resized.v1", "resize", NOW - 9),
        ("e2", "step.failed.v1", "analyze", NOW - 4),
        ("e3", "image.failed.v1", "store", NOW - 3.9),
    ):
        time_of = datetime.fromtimestamp(at, UTC)
        records.add_event(TimelineEvent(CAT, 0, event, kind, f"darkroom/{source}", time_of))
    log(stage, "analyze", attempt("analyze", "e1", "retry", NOW - 7, reason="throttled", seconds=2))
    log(stage, "analyze", attempt("analyze", "e1", "gave-up", NOW - 4, reason="throttled"))
    log(stage, "resize", attempt("resize", "e3", "compensated", NOW - 3))
    return stage


def log(stage: Stage, service: str, line: Line) -> None:
    logs, group = stage.client("logs"), f"/aws/lambda/test-{service}"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s")
    event = {"timestamp": int(line.at * 1000), "message": line.text}
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])


def read(stage: Stage) -> Trace:
    outputs = stage.images.outputs
    functions = {name: f"test-{name}" for name in ("analyze", "resize", "store")}
    outputs.functions.update(functions)
    return Trace.read(CAT, outputs, stage.images.clients)


def test_a_failed_image_shows_its_attempts_its_failure_and_its_compensation(failed: Stage) -> None:
    steps = read(failed).steps
    assert [(step.service, step.outcome) for step in steps] == [
        ("resize", "done"),
        ("analyze", "retry"),
        ("analyze", "gave-up"),
        ("store", "done"),
        ("resize", "compensated"),
    ]
    text = "\n".join(read(failed).as_lines(PLAIN))
    assert f"{STEP_FAILED.reason}: {STEP_FAILED.detail}" in text
    assert "throttled, retry in 2 s" in text
    assert "run 0: renditions thumbnail, preview" in text


def test_times_are_relative_to_the_first_hop(failed: Stage) -> None:
    lines = read(failed).as_lines(PLAIN)
    table = lines[lines.index("Timeline") + 2 :]
    assert table[0].split() == [
        "+0",
        "ms",
        "resize",
        "image.uploaded.v1",
        "0",
        "1,000",
        "ms",
        *("1", "done"),
    ]
    assert table[2].split()[:2] == ["+5,000", "ms"]


def test_failures_are_shown_in_red(failed: Stage) -> None:
    painted = [line for line in read(failed).as_lines(Style(colour=True)) if "\033[31m" in line]
    assert len(painted) == 2


def test_as_json_a_trace_is_one_document(failed: Stage) -> None:
    document = json.loads(read(failed).as_json())
    assert (document["image"], document["record"]["runs"]["0"]["status"]) == (CAT, "failed")
    assert [step["outcome"] for step in document["steps"]][1:3] == ["retry", "gave-up"]
    assert document["compensated"] == [
        {"run": 0, "renditions": ["thumbnail", "preview"], "analysis": False}
    ]


def test_a_trace_without_logs_shows_the_tables(stage: Stage) -> None:
    stage.put_record(RESIZED, ANALYZED)
    lines = Trace.read(CAT, stage.images.outputs, stage.images.clients).as_lines(PLAIN)
    assert any("completed" in line and "published" in line for line in lines)


def test_an_unknown_image_is_an_error_that_names_where_to_look(stage: Stage) -> None:
    with pytest.raises(InfraError, match=r"no image .* in stage test; .* lists"):
        Trace.read(TEXT, stage.images.outputs, stage.images.clients)


def test_the_trace_command_prints_text_or_json(failed: Stage, monkeypatch, capsys) -> None:
    outputs, clients = failed.images.outputs, failed.images.clients
    monkeypatch.setattr(operations.Outputs, "read", lambda *_: outputs)
    monkeypatch.setattr(operations.options, "stage_and_clients", lambda _: (None, clients))
    assert main(["trace", CAT]) == 0
    assert capsys.readouterr().out.startswith("Image\n")
    assert main(["trace", "--json", CAT]) == 0
    assert json.loads(capsys.readouterr().out)["image"] == CAT
