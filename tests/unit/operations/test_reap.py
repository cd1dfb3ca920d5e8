"""The timeout sweep as a command: the whole table at once."""

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
    """Ignore a line of progress."""


def upload(stage: Stage, key: str) -> None:
    stage.client("s3").put_object(Bucket="uploads", Key=key, Body=b"a cat")


def test_a_run_without_events_is_reported_as_stuck_at_its_stage(stage: Stage) -> None:
    stage.put_record(RESIZED, at=stage.images.clock() - 2 * DAY)
    assert Reaper(stage.images, DAY).reap(quiet, dry_run=False) == 1
    report = read(*message_records(stage.published()[0])).data
    assert (report.image, report.stage, report.reason) == (CAT, "analyze", "stuck")


def test_a_run_with_a_recent_event_is_not_reported(stage: Stage) -> None:
    stage.put_record(RESIZED)
    assert Reaper(stage.images, DAY).reap(quiet, dry_run=False) == 0
    assert stage.published() == []


def test_a_missed_upload_is_reported_as_lost(stage: Stage) -> None:
    upload(stage, "lost.jpg")
    lines: list[str] = []
    long_ago = -timedelta(days=9999)  # the upload is of the real today, the stage's clock is not
    assert Reaper(stage.images, long_ago).reap(lines.append, dry_run=False) == 1
    report = read(*message_records(stage.published()[0])).data
    assert (report.reason, report.source.key) == ("lost", "lost.jpg")
    assert lines == [f"lost: {report.image} run 0  lost.jpg"]


def test_a_dry_run_lists_stuck_runs_without_reporting_them(stage: Stage) -> None:
    stage.put_record(RESIZED, at=stage.images.clock() - 2 * DAY)
    lines: list[str] = []
    assert Reaper(stage.images, DAY).reap(lines.append, dry_run=True) == 1
    assert lines == [f"stuck: {CAT} run 0  {RESIZED.source.key}"]
    assert stage.published() == []


def test_a_repeated_report_has_the_same_id(stage: Stage) -> None:
    stage.put_record(RESIZED, at=stage.images.clock() - 2 * DAY)
    for _ in range(2):
        Reaper(stage.images, DAY).reap(quiet, dry_run=False)
    first, second = (read(*message_records(body)) for body in stage.published())
    assert first.id == second.id
    assert first.source == "darkroom/reap"


def test_a_table_that_cannot_be_read_is_reported_in_one_line(stage: Stage) -> None:
    nowhere = replace(stage.images.outputs, table="nowhere")
    with pytest.raises(InfraError, match=r"^the records: ResourceNotFoundException"):
        Reaper(replace(stage.images, outputs=nowhere), DAY).reap(quiet, dry_run=False)
