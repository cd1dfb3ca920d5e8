"""What an operator sees of quarantine, and what can be released."""

from datetime import timedelta

import pytest

from infra.cli import operations
from infra.cli.main import main
from infra.errors import InfraError
from infra.operations.quarantine import listing, quarantined, release
from services.store.logic import Policy
from shared.contracts.images import DeleteRequested, ReleaseRequested, ReplayRequested
from shared.contracts.record import Record
from shared.message import message_records, read
from tests.contract.samples import ANALYZED, AT, CAT, RELEASE_REQUESTED, RESIZED, STEP_FAILED, TEXT
from tests.unit.operations.conftest import Stage

KEY = RESIZED.source.key


def quiet(_line: str) -> None:
    """Say nothing."""


def flagged(stage: Stage, *more, **how) -> Record:
    return stage.keep(RESIZED, ANALYZED, *more, policy=Policy.QUARANTINE, **how)


def ask(stage: Stage, record: Record, *, dry_run: bool = False) -> None:
    release(stage.images, [record], quiet, dry_run=dry_run)


def test_what_waits_is_listed_with_why_and_with_a_rendition_to_look_at(stage: Stage) -> None:
    flagged(stage, at=AT)
    assert list(listing(quarantined(stage.images), "processed")) == [
        f"{CAT}  run 0  2026-11-21 10:00:00+00:00  Smoking  {KEY}",
        f"  s3://processed/renditions/{CAT}/0/preview.jpeg",
    ]


def test_what_nobody_judged_is_listed_as_that(stage: Stage) -> None:
    unasked = ANALYZED.model_copy(update={"moderation": None})
    stage.keep(RESIZED, unasked, policy=Policy.QUARANTINE)
    first, _ = listing(quarantined(stage.images), "processed")
    assert "not judged: moderation is switched off" in first


def test_who_waits_longest_comes_first(stage: Stage) -> None:
    flagged(stage, at=AT + timedelta(hours=1))
    others = (one.model_copy(update={"image": TEXT}) for one in (RESIZED, ANALYZED))
    stage.keep(*others, policy=Policy.QUARANTINE, at=AT)
    assert [record.image for record in quarantined(stage.images)] == [TEXT, CAT]


@pytest.mark.parametrize("more", [RELEASE_REQUESTED, DeleteRequested(image=CAT, run=0)])
def test_what_was_released_or_deleted_waits_no_longer(stage: Stage, more) -> None:
    flagged(stage, more)
    assert quarantined(stage.images) == []


def test_a_release_names_the_run_that_was_looked_at(stage: Stage) -> None:
    ask(stage, flagged(stage, ReplayRequested(image=CAT, run=0)))
    (body,) = stage.published()
    assert read(*message_records(body)).data == ReleaseRequested(image=CAT, run=0)


def test_a_dry_run_asks_for_nothing(stage: Stage) -> None:
    ask(stage, flagged(stage), dry_run=True)
    assert stage.published() == []


def test_what_was_released_already_is_asked_for_again_under_the_same_id(stage: Stage) -> None:
    record = flagged(stage, RELEASE_REQUESTED)
    ask(stage, record)
    ask(stage, record)
    assert len({read(*message_records(body)).id for body in stage.published()}) == 1


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ((RESIZED,), "still at work"),
        ((STEP_FAILED,), "is not quarantined"),
        ((RESIZED, ANALYZED), "is not quarantined"),
        ((RESIZED, ANALYZED, DeleteRequested(image=CAT, run=0)), "was deleted"),
    ],
)
def test_what_is_not_quarantined_is_refused_before_anything_is_asked(
    stage: Stage, events, why
) -> None:
    with pytest.raises(InfraError, match=why):
        ask(stage, stage.keep(*events))
    assert stage.published() == []


@pytest.fixture
def command(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The stage in memory, as the command line finds it."""
    monkeypatch.setattr(operations, "images_of", lambda _arguments: stage.images)
    return stage


def test_the_commands_list_what_is_quarantined_and_release_it(command: Stage, capsys) -> None:
    flagged(command)
    assert main(["quarantine"]) == 0
    assert capsys.readouterr().out.endswith("1 quarantined\n")
    assert main(["release", CAT]) == 0
    assert capsys.readouterr().out == f"releasing {CAT}  run 0  completed  {KEY}\n"
    assert len(command.published()) == 1


def test_an_image_that_nobody_knows_is_said_to_be_unknown(command: Stage, capsys) -> None:
    assert main(["release", TEXT]) == 1
    assert capsys.readouterr().err == f"error: no image {TEXT} in stage test\n"
