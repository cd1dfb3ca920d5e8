"""Listing and releasing quarantined images."""

from datetime import timedelta

import pytest

from infra.cli import operations
from infra.cli.main import main
from infra.errors import InfraError
from infra.operations.quarantine import quarantine_lines, quarantined, release
from services.store.logic import Policy
from shared.contracts.images import DeleteRequested, ReleaseRequested, ReplayRequested
from shared.contracts.record import Record
from shared.message import message_records, read
from tests.contract.samples import ANALYZED, AT, CAT, RELEASE_REQUESTED, RESIZED, STEP_FAILED, TEXT
from tests.unit.operations.conftest import Stage

KEY = RESIZED.source.key


def quiet(_line: str) -> None:
    """Ignore a line of progress."""


def flagged(stage: Stage, *more, **how) -> Record:
    return stage.put_record(RESIZED, ANALYZED, *more, policy=Policy.QUARANTINE, **how)


def ask(stage: Stage, record: Record, *, dry_run: bool = False) -> None:
    release(stage.images, [record], quiet, dry_run=dry_run)


def test_a_quarantined_image_is_listed_with_its_reason_and_a_rendition(stage: Stage) -> None:
    flagged(stage, at=AT)
    assert list(quarantine_lines(quarantined(stage.images), "processed")) == [
        f"{CAT}  run 0  2026-11-21 10:00:00+00:00  Smoking  {KEY}",
        f"  s3://processed/renditions/{CAT}/0/preview.jpeg",
    ]


def test_an_image_without_moderation_is_listed_as_not_moderated(stage: Stage) -> None:
    unmoderated = ANALYZED.model_copy(update={"moderation": None})
    stage.put_record(RESIZED, unmoderated, policy=Policy.QUARANTINE)
    first, _ = quarantine_lines(quarantined(stage.images), "processed")
    assert "not moderated: moderation is off" in first


def test_quarantined_images_are_listed_oldest_first(stage: Stage) -> None:
    flagged(stage, at=AT + timedelta(hours=1))
    others = (event.model_copy(update={"image": TEXT}) for event in (RESIZED, ANALYZED))
    stage.put_record(*others, policy=Policy.QUARANTINE, at=AT)
    assert [record.image for record in quarantined(stage.images)] == [TEXT, CAT]


@pytest.mark.parametrize("more", [RELEASE_REQUESTED, DeleteRequested(image=CAT, run=0)])
def test_released_and_deleted_images_are_not_quarantined(stage: Stage, more) -> None:
    flagged(stage, more)
    assert quarantined(stage.images) == []


def test_a_release_names_the_published_run(stage: Stage) -> None:
    ask(stage, flagged(stage, ReplayRequested(image=CAT, run=0)))
    (body,) = stage.published()
    assert read(*message_records(body)).data == ReleaseRequested(image=CAT, run=0)


def test_a_dry_run_publishes_no_request(stage: Stage) -> None:
    ask(stage, flagged(stage), dry_run=True)
    assert stage.published() == []


def test_a_repeated_release_has_the_same_id(stage: Stage) -> None:
    record = flagged(stage, RELEASE_REQUESTED)
    ask(stage, record)
    ask(stage, record)
    assert len({read(*message_records(body)).id for body in stage.published()}) == 1


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ((RESIZED,), "still processing"),
        ((STEP_FAILED,), "is not quarantined"),
        ((RESIZED, ANALYZED), "is not quarantined"),
        ((RESIZED, ANALYZED, DeleteRequested(image=CAT, run=0)), "was deleted"),
    ],
)
def test_a_release_of_an_image_that_is_not_quarantined_is_refused(
    stage: Stage, events, reason
) -> None:
    with pytest.raises(InfraError, match=reason):
        ask(stage, stage.put_record(*events))
    assert stage.published() == []


@pytest.fixture
def command(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Lets the command line use the stage in moto."""
    monkeypatch.setattr(operations, "images_of", lambda _arguments: stage.images)
    return stage


def test_the_commands_list_what_is_quarantined_and_release_it(command: Stage, capsys) -> None:
    flagged(command)
    assert main(["quarantine"]) == 0
    assert capsys.readouterr().out.endswith("1 quarantined\n")
    assert main(["release", CAT]) == 0
    assert capsys.readouterr().out == f"releasing {CAT}  run 0  completed  {KEY}\n"
    assert len(command.published()) == 1


def test_an_unknown_image_is_an_error(command: Stage, capsys) -> None:
    assert main(["release", TEXT]) == 1
    assert capsys.readouterr().err == f"error: no image {TEXT} in stage test\n"
