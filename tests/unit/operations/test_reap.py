"""The reaper by hand: the function's own sweep, all at once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from infra.errors import InfraError
from infra.operations.reap import Reaper
from shared.message import message_records, read
from tests.contract.samples import CAT, RESIZED
from tests.unit.operations.conftest import Stage

DAY = timedelta(hours=24)


def quiet(_line: str) -> None:
    """Say nothing."""


def upload(stage: Stage, key: str) -> None:
    stage.client("s3").put_object(Bucket="uploads", Key=key, Body=b"a cat")


def test_a_silent_run_is_reported_stuck_where_it_waits(stage: Stage) -> None:
    stage.keep(RESIZED, at=stage.images.clock() - 2 * DAY)
    assert Reaper(stage.images, DAY).reap(quiet, dry_run=False) == 1
    report = read(*message_records(stage.published()[0])).data
    assert (report.image, report.stage, report.reason) == (CAT, "analyze", "stuck")


def test_a_run_that_was_heard_of_lately_is_left_alone(stage: Stage) -> None:
    stage.keep(RESIZED)
    assert Reaper(stage.images, DAY).reap(quiet, dry_run=False) == 0
    assert stage.published() == []


def test_an_upload_that_nobody_heard_of_is_reported_lost_and_named(stage: Stage) -> None:
    upload(stage, "lost.jpg")
    said: list[str] = []
    long_ago = -timedelta(days=9999)  # the upload is of the real today, the stage's clock is not
    assert Reaper(stage.images, long_ago).reap(said.append, dry_run=False) == 1
    report = read(*message_records(stage.published()[0])).data
    assert (report.reason, report.source.key) == ("lost", "lost.jpg")
    assert said == [f"lost: {report.image} run 0  lost.jpg"]


def test_a_dry_run_names_what_it_finds_and_reports_nothing(stage: Stage) -> None:
    stage.keep(RESIZED, at=stage.images.clock() - 2 * DAY)
    said: list[str] = []
    assert Reaper(stage.images, DAY).reap(said.append, dry_run=True) == 1
    assert said == [f"stuck: {CAT} run 0  {RESIZED.source.key}"]
    assert stage.published() == []


def test_asked_again_it_says_the_same_under_the_same_id(stage: Stage) -> None:
    stage.keep(RESIZED, at=stage.images.clock() - 2 * DAY)
    for _ in range(2):
        Reaper(stage.images, DAY).reap(quiet, dry_run=False)
    first, second = (read(*message_records(body)) for body in stage.published())
    assert first.id == second.id
    assert first.source == "darkroom/reap"


def test_what_cannot_be_read_is_told_in_one_line(stage: Stage) -> None:
    nowhere = replace(stage.images.outputs, table="nowhere")
    with pytest.raises(InfraError, match=r"^the records: ResourceNotFoundException"):
        Reaper(replace(stage.images, outputs=nowhere), DAY).reap(quiet, dry_run=False)
