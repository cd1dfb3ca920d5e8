"""Requests of an operator, and requests that are refused before they are published."""

import argparse
import json
from datetime import timedelta

import pytest

from infra.cli.operations import span
from infra.errors import InfraError
from infra.operations.audit import Audit
from infra.operations.dead_letters import DeadLetters, lines_by_reason
from infra.operations.replay import FailedFilter, ReplayOptions, failed_records, replay
from shared.contracts.images import DeleteRequested, ImageResized, ReplayRequested
from shared.contracts.record import FULL
from shared.ledger import ClaimKey
from shared.message import message_records, read
from tests.contract.samples import ANALYZED, CAT, FIRST, LAST, RESIZED, STEP_FAILED, TEXT
from tests.unit.operations.conftest import Stage


def quiet(_line: str) -> None:
    """Ignore a line of progress."""


def ask(stage: Stage, record, *, dry_run: bool = False, **how) -> None:
    replay(stage.images, [record], quiet, ReplayOptions(**how), dry_run=dry_run, rate=10)


def put_dead_letter(stage: Stage, body: str, service: str = "notify") -> str:
    key = f"dead-letters/{service}/2026-11-22/m1.json"
    stored = {
        "service": service,
        "reason": "worker-died",
        "detail": "no result",
        "sent": "x",
        "body": body,
    }
    stage.client("s3").put_object(Bucket="processed", Key=key, Body=json.dumps(stored).encode())
    return key


def test_a_replay_names_the_run_it_replaces(stage: Stage) -> None:
    ask(stage, stage.put_record(STEP_FAILED))
    (body,) = stage.published()
    assert read(*message_records(body)).data == ReplayRequested(image=TEXT, run=0)


def test_a_dry_run_publishes_no_request(stage: Stage) -> None:
    ask(stage, stage.put_record(STEP_FAILED), dry_run=True)
    assert stage.published() == []


def test_a_processing_run_is_replaced_by_force_only(stage: Stage) -> None:
    record = stage.put_record(RESIZED)
    with pytest.raises(InfraError, match="still processing"):
        ask(stage, record)
    ask(stage, record, force=True)
    assert read(*message_records(stage.published()[0])).data.force


def test_a_reanalysis_request_names_its_analyzer(stage: Stage) -> None:
    ask(stage, stage.put_record(RESIZED, ANALYZED), analyze_only=True, analyzer="rekognition")
    request = ReplayRequested(image=CAT, run=0, analyze_only=True, analyzer="rekognition")
    assert read(*message_records(stage.published()[0])).data == request


def test_a_reanalysis_without_a_published_run_is_refused(stage: Stage) -> None:
    with pytest.raises(InfraError, match="no published run to analyse again"):
        ask(stage, stage.put_record(STEP_FAILED), analyze_only=True)
    assert stage.published() == []


def test_a_reanalysis_of_failed_images_selects_those_with_a_published_run(stage: Stage) -> None:
    replayed = ReplayRequested(image=CAT, run=0)
    report = STEP_FAILED.model_copy(update={"image": CAT, "run": 1})
    stage.put_record(RESIZED, ANALYZED, replayed, report)
    stage.put_record(STEP_FAILED)
    assert {record.image for record in failed_records(stage.images, FailedFilter())} == {CAT, TEXT}
    assert [r.image for r in failed_records(stage.images, FailedFilter(published=True))] == [CAT]


def test_a_deleted_image_is_not_replayed(stage: Stage) -> None:
    record = stage.put_record(STEP_FAILED, DeleteRequested(image=TEXT, run=0))
    with pytest.raises(InfraError, match="was deleted"):
        ask(stage, record)


def test_an_image_whose_record_is_full_is_not_replayed(stage: Stage) -> None:
    record = stage.put_record(STEP_FAILED)
    full = record.model_copy(update={"owner": "o" * FULL})
    with pytest.raises(InfraError, match="has had 1 runs, and its record is full"):
        ask(stage, full)


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (FailedFilter(), 1),
        (FailedFilter(stage="resize", reason="not-an-image"), 1),
        (FailedFilter(stage="analyze"), 0),
        (FailedFilter(reason="stuck"), 0),
        (FailedFilter(since=timedelta(hours=3)), 1),
        (FailedFilter(since=timedelta(hours=1)), 0),
        (FailedFilter(since=timedelta(0)), 0),
    ],
)
def test_failed_images_are_selected_by_the_filter(
    stage: Stage, selection: FailedFilter, count: int
) -> None:
    stage.put_record(RESIZED, ANALYZED)
    stage.put_record(STEP_FAILED)
    assert [record.image for record in failed_records(stage.images, selection)] == [TEXT] * count


def test_the_dead_letter_of_a_step_becomes_a_replay_of_its_image(stage: Stage) -> None:
    stage.put_record(STEP_FAILED)
    failed_fact = FIRST.caused(
        ImageResized.model_validate(RESIZED.model_dump() | {"image": TEXT}), "s", 0, FIRST.time
    )
    put_dead_letter(stage, failed_fact.to_json(), "analyze")
    letters = DeadLetters(stage.images)
    assert letters.replay(letters.all()[0], quiet)
    assert read(*message_records(stage.published()[0])).data == ReplayRequested(image=TEXT, run=0)
    assert letters.all() == []


def test_the_dead_letter_of_a_delivery_is_sent_again_after_its_claim_is_deleted(
    stage: Stage,
) -> None:
    claim = ClaimKey.of("notify", LAST.subject, LAST.type, LAST.id)
    row = {"image": {"S": claim.image}, "claim": {"S": claim.name}, "completed_at": {"N": "1"}}
    stage.client("dynamodb").put_item(TableName="ledger", Item=row)
    put_dead_letter(stage, LAST.to_json())
    letters = DeadLetters(stage.images)
    assert letters.replay(letters.all()[0], quiet)
    assert stage.client("dynamodb").scan(TableName="ledger")["Count"] == 0
    queue = stage.images.outputs.queues["notify"]
    assert len(stage.client("sqs").receive_message(QueueUrl=queue)["Messages"]) == 1


def test_an_unreadable_dead_letter_is_listed_and_not_deleted(stage: Stage) -> None:
    put_dead_letter(stage, "gibberish")
    letters = DeadLetters(stage.images)
    assert lines_by_reason(letters.all())[0] == "worker-died (1)"
    assert not letters.replay(letters.all()[0], quiet)
    assert len(letters.all()) == 1


def test_the_audit_finds_objects_of_failed_runs(stage: Stage) -> None:
    stage.put_record(RESIZED, ANALYZED)
    stage.put_record(STEP_FAILED)
    keys = {f"renditions/{CAT}/0/web.jpeg": True, f"renditions/{TEXT}/0/web.jpeg": False}
    keys |= {f"results/{CAT}.json": True, f"results/{TEXT}.json": False}
    for key in keys:
        stage.client("s3").put_object(Bucket="processed", Key=key, Body=b"")
    assert set(Audit(stage.images).orphans()) == {key for key, fine in keys.items() if not fine}


def test_the_audit_finds_index_entries_of_failed_and_unknown_runs(stage: Stage) -> None:
    stage.put_record(RESIZED, ANALYZED)
    stage.put_record(STEP_FAILED)
    runs = {"of-cat": (CAT, 0), "of-text": (TEXT, 0), "of-a-later-run": (CAT, 1), "of-none": (CAT,)}
    for name, pointed in runs.items():
        hint = dict(zip(("image", "run"), pointed, strict=False)) | {"document": "d"}
        body = json.dumps(hint).encode()
        stage.client("s3").put_object(Bucket="processed", Key=f"reuse/{name}.json", Body=body)
    assert set(Audit(stage.images).orphans()) == {f"reuse/{name}.json" for name in runs} - {
        "reuse/of-cat.json"
    }


def test_a_duration_is_a_number_and_a_unit() -> None:
    assert span("90m") == timedelta(minutes=90)
    with pytest.raises(argparse.ArgumentTypeError, match="30m"):
        span("soon")
