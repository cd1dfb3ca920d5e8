"""What an operator asks for, and what is refused before it is asked."""

import argparse
import json
from datetime import timedelta

import pytest

from infra.cli.operations import span
from infra.errors import InfraError
from infra.operations.audit import Audit
from infra.operations.dead_letters import DeadLetters, listing
from infra.operations.replay import How, Wanted, failed, replay
from shared.contracts.images import DeleteRequested, ImageResized, ReplayRequested
from shared.contracts.record import FULL
from shared.ledger import ClaimKey
from shared.message import message_records, read
from tests.contract.samples import ANALYZED, CAT, FIRST, LAST, RESIZED, STEP_FAILED, TEXT
from tests.unit.operations.conftest import Stage


def quiet(_line: str) -> None:
    """Say nothing."""


def ask(stage: Stage, record, *, dry_run: bool = False, **how) -> None:
    replay(stage.images, [record], quiet, How(**how), dry_run=dry_run, rate=10)


def keep_letter(stage: Stage, body: str, service: str = "notify") -> str:
    key = f"dead-letters/{service}/2026-11-22/m1.json"
    said = {
        "service": service,
        "reason": "worker-died",
        "detail": "no word",
        "sent": "x",
        "body": body,
    }
    stage.client("s3").put_object(Bucket="processed", Key=key, Body=json.dumps(said).encode())
    return key


def test_a_replay_names_the_run_it_replaces(stage: Stage) -> None:
    ask(stage, stage.keep(STEP_FAILED))
    (body,) = stage.published()
    assert read(*message_records(body)).data == ReplayRequested(image=TEXT, run=0)


def test_a_dry_run_asks_for_nothing(stage: Stage) -> None:
    ask(stage, stage.keep(STEP_FAILED), dry_run=True)
    assert stage.published() == []


def test_a_run_still_at_work_is_given_up_by_force_only(stage: Stage) -> None:
    record = stage.keep(RESIZED)
    with pytest.raises(InfraError, match="still at work"):
        ask(stage, record)
    ask(stage, record, force=True)
    assert read(*message_records(stage.published()[0])).data.force


def test_a_reanalysis_is_asked_for_with_its_analyzer(stage: Stage) -> None:
    ask(stage, stage.keep(RESIZED, ANALYZED), analyze_only=True, analyzer="rekognition")
    asked = ReplayRequested(image=CAT, run=0, analyze_only=True, analyzer="rekognition")
    assert read(*message_records(stage.published()[0])).data == asked


def test_where_nothing_is_published_there_is_nothing_to_analyse_again(stage: Stage) -> None:
    with pytest.raises(InfraError, match="no published run to analyse again"):
        ask(stage, stage.keep(STEP_FAILED), analyze_only=True)
    assert stage.published() == []


def test_of_the_failed_images_those_are_analysed_again_that_are_published(stage: Stage) -> None:
    replayed = ReplayRequested(image=CAT, run=0)
    report = STEP_FAILED.model_copy(update={"image": CAT, "run": 1})
    stage.keep(RESIZED, ANALYZED, replayed, report)
    stage.keep(STEP_FAILED)
    assert {record.image for record in failed(stage.images, Wanted())} == {CAT, TEXT}
    assert [r.image for r in failed(stage.images, Wanted(published=True))] == [CAT]


def test_a_deleted_image_is_not_replayed(stage: Stage) -> None:
    record = stage.keep(STEP_FAILED, DeleteRequested(image=TEXT, run=0))
    with pytest.raises(InfraError, match="was deleted"):
        ask(stage, record)


def test_an_image_whose_record_is_full_is_not_replayed(stage: Stage) -> None:
    record = stage.keep(STEP_FAILED)
    long = record.model_copy(update={"owner": "o" * FULL})
    with pytest.raises(InfraError, match="has had 1 runs, and its record holds no more"):
        ask(stage, long)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), 1),
        (Wanted(stage="resize", reason="not-an-image"), 1),
        (Wanted(stage="analyze"), 0),
        (Wanted(reason="stuck"), 0),
        (Wanted(since=timedelta(hours=3)), 1),
        (Wanted(since=timedelta(hours=1)), 0),
        (Wanted(since=timedelta(0)), 0),
    ],
)
def test_failed_images_are_found_by_what_is_asked(stage: Stage, wanted: Wanted, found: int) -> None:
    stage.keep(RESIZED, ANALYZED)
    stage.keep(STEP_FAILED)
    assert [record.image for record in failed(stage.images, wanted)] == [TEXT] * found


def test_what_a_step_was_to_do_becomes_a_replay_of_its_image(stage: Stage) -> None:
    stage.keep(STEP_FAILED)
    failed_fact = FIRST.caused(
        ImageResized.model_validate(RESIZED.model_dump() | {"image": TEXT}), "s", 0, FIRST.time
    )
    keep_letter(stage, failed_fact.to_json(), "analyze")
    letters = DeadLetters(stage.images)
    assert letters.replay(letters.all()[0], quiet)
    assert read(*message_records(stage.published()[0])).data == ReplayRequested(image=TEXT, run=0)
    assert letters.all() == []


def test_a_telling_is_sent_again_with_its_claim_forgotten(stage: Stage) -> None:
    claim = ClaimKey.of("notify", LAST.subject, LAST.type, LAST.id)
    row = {"image": {"S": claim.image}, "claim": {"S": claim.name}, "completed_at": {"N": "1"}}
    stage.client("dynamodb").put_item(TableName="ledger", Item=row)
    keep_letter(stage, LAST.to_json())
    letters = DeadLetters(stage.images)
    assert letters.replay(letters.all()[0], quiet)
    assert stage.client("dynamodb").scan(TableName="ledger")["Count"] == 0
    queue = stage.images.outputs.queues["notify"]
    assert len(stage.client("sqs").receive_message(QueueUrl=queue)["Messages"]) == 1


def test_what_nobody_can_read_is_listed_and_stays(stage: Stage) -> None:
    keep_letter(stage, "gibberish")
    letters = DeadLetters(stage.images)
    assert listing(letters.all())[0] == "worker-died (1)"
    assert not letters.replay(letters.all()[0], quiet)
    assert len(letters.all()) == 1


def test_an_audit_knows_what_each_run_may_have(stage: Stage) -> None:
    stage.keep(RESIZED, ANALYZED)
    stage.keep(STEP_FAILED)
    keys = {f"renditions/{CAT}/0/web.jpeg": True, f"renditions/{TEXT}/0/web.jpeg": False}
    keys |= {f"results/{CAT}.json": True, f"results/{TEXT}.json": False}
    for key in keys:
        stage.client("s3").put_object(Bucket="processed", Key=key, Body=b"")
    assert set(Audit(stage.images).orphans()) == {key for key, fine in keys.items() if not fine}


def test_an_audit_follows_the_index_to_the_runs_it_points_at(stage: Stage) -> None:
    stage.keep(RESIZED, ANALYZED)
    stage.keep(STEP_FAILED)
    runs = {"of-cat": (CAT, 0), "of-text": (TEXT, 0), "of-a-later-run": (CAT, 1), "of-none": (CAT,)}
    for name, pointed in runs.items():
        hint = dict(zip(("image", "run"), pointed, strict=False)) | {"document": "d"}
        body = json.dumps(hint).encode()
        stage.client("s3").put_object(Bucket="processed", Key=f"reuse/{name}.json", Body=body)
    assert set(Audit(stage.images).orphans()) == {f"reuse/{name}.json" for name in runs} - {
        "reuse/of-cat.json"
    }


def test_a_length_of_time_is_a_number_and_a_unit() -> None:
    assert span("90m") == timedelta(minutes=90)
    with pytest.raises(argparse.ArgumentTypeError, match="30m"):
        span("soon")
