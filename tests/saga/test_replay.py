"""Replay and delete, in memory: a run gives way to the next, and a deleted image stays deleted."""

import io
import json

import pytest
from PIL import Image

from services.store.logic import outcome
from shared.contracts.envelope import Envelope, Event
from shared.contracts.images import DeleteRequested, ReplayRequested, Request
from shared.contracts.record import RunStatus
from shared.errors import Fault, PermanentError
from tests.saga.world import World


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), (200, 120, 40)).save(buffer, "JPEG")
    return buffer.getvalue()


CAT = picture()


def ask(world: World, event: Event) -> None:
    world.send("store", Envelope.first(event, "darkroom/tests", world.at()).to_json())


def finished(*failures: Exception) -> tuple[World, str]:
    world = World()
    image = world.upload(CAT)
    world.recognizer.failures = list(failures)
    world.run()
    return world, image


def test_a_failed_image_can_be_replayed_from_its_original() -> None:
    world, image = finished(PermanentError("unreadable-picture", "no", fault=Fault.INTERNAL))
    ask(world, ReplayRequested(image=image, run=0))
    world.run()
    assert world.outcomes() == ["failed", "completed"]
    assert {key.split("/")[2] for key in world.left("renditions/")} == {"1"}


def test_a_completed_image_keeps_its_renditions_until_the_new_run_completes() -> None:
    world, image = finished()
    world.recognizer.failures = [PermanentError("unreadable-picture", "no", fault=Fault.INTERNAL)]
    ask(world, ReplayRequested(image=image, run=0))
    world.run()
    assert world.outcomes() == ["completed", "failed"]
    assert {key.split("/")[2] for key in world.left("renditions/")} == {"0"}
    assert world.left("results/")


def test_the_run_that_gave_way_is_unmade() -> None:
    world, image = finished()
    ask(world, ReplayRequested(image=image, run=0))
    world.run()
    assert world.outcomes() == ["completed", "completed"]
    assert {key.split("/")[2] for key in world.left("renditions/")} == {"1"}
    assert {key.split("/")[2] for key in world.left("analyses/")} == {"1"}
    assert world.records.status(image, 0) is RunStatus.SUPERSEDED


def test_the_same_request_twice_is_one_run() -> None:
    world, image = finished()
    for _ in range(3):
        ask(world, ReplayRequested(image=image, run=0))
    world.run()
    assert world.records.read(image).run == 1
    assert world.outcomes() == ["completed", "completed"]


def test_a_request_that_names_another_run_is_refused() -> None:
    world, image = finished()
    ask(world, ReplayRequested(image=image, run=5))
    world.run()
    assert world.records.read(image).run == 0


@pytest.mark.parametrize(("force", "run"), [(False, 0), (True, 1)])
def test_a_running_image_is_replayed_by_force_only(force: bool, run: int) -> None:
    world = World()
    image = world.upload(CAT)
    world.kill_always = "analyze: before recognizer.ask"
    world.run_for(60)
    ask(world, ReplayRequested(image=image, run=0, force=force))
    world.kill_always = ""
    world.run()
    assert world.records.read(image).run == run
    assert world.outcomes()[-1] == "completed"
    assert {key.split("/")[2] for key in world.left("renditions/")} == {str(run)}


def test_a_run_that_is_forced_to_end_gives_way_at_once() -> None:
    world = World()
    image = world.upload(CAT)
    world.kill_always = "analyze: before recognizer.ask"
    world.run_for(60)
    ask(world, ReplayRequested(image=image, run=0, force=True))
    world.run_for(1)
    assert world.records.status(image, 0) is RunStatus.FAILED
    assert world.records.status(image, 1) is RunStatus.OPEN


@pytest.mark.parametrize("request_of", [ReplayRequested, DeleteRequested])
def test_a_request_a_month_later_tells_no_end_again(request_of: type[Request]) -> None:
    world, image = finished()
    world.clock.advance(31 * 24 * 3600)
    world.ledger.rows.clear()
    ask(world, request_of(image=image, run=0))
    world.run()
    told = [json.loads(words.data)["id"] for words in world.told.heard]
    assert len(told) == len(set(told)) == 2


def test_a_deleted_image_leaves_nothing_and_stays_deleted() -> None:
    world, image = finished()
    ask(world, DeleteRequested(image=image, run=0))
    world.run()
    ask(world, ReplayRequested(image=image, run=0))
    world.run()
    assert world.outcomes() == ["completed", "deleted"]
    assert world.left() == []
    assert list(world.uploads.keys("")) == []
    assert world.records.status(image, 0) is RunStatus.DELETED


def test_a_verdict_of_a_run_long_past_is_told_in_full() -> None:
    world, image = finished()
    before = outcome(world.records.read(image), 0)
    ask(world, ReplayRequested(image=image, run=0))
    world.run()
    assert outcome(world.records.read(image), 0) == before


def test_a_verdict_keeps_its_words_whatever_a_later_run_finds_out() -> None:
    world = World()
    image = world.upload(CAT, owner="ada")
    world.kill_always = "resize: before uploads.get"
    world.run()
    before = outcome(world.records.read(image), 0)
    world.kill_always = ""
    ask(world, ReplayRequested(image=image, run=0))
    world.run()
    assert (before.owner, outcome(world.records.read(image), 1).owner) == (None, "ada")
    assert outcome(world.records.read(image), 0) == before
