"""Re-analysis and reuse, in memory: versions add up, content is paid for once, delete takes all."""

import json
from typing import Any

import pytest

from shared.contracts.images import DeleteRequested, ImageCompleted, ReplayRequested
from shared.errors import Fault, PermanentError
from tests.saga.test_replay import CAT, ask
from tests.saga.world import World


def completed(world: World, key: str) -> str:
    """An upload that has ended; ``store`` hears of its renditions before ``analyze`` is done."""
    image = world.upload(CAT, key)
    world.kill_once = "analyze: before recognizer.ask"
    world.killed.clear()
    world.run()
    return image


def again(world: World, image: str, **how: Any) -> None:
    run = world.records.read(image).run
    ask(world, ReplayRequested(image=image, run=run, analyze_only=True, **how))
    world.run()


def result(world: World, image: str) -> ImageCompleted:
    return ImageCompleted.model_validate_json(world.processed.get(f"results/{image}.json").body)


def pointed_at(world: World) -> set[str]:
    """The images that the index points at."""
    entries = [json.loads(world.processed.get(key).body) for key in world.left("reuse/")]
    return {entry["image"] for entry in entries}


def test_a_reanalysis_copies_the_renditions_and_keeps_the_version_before() -> None:
    world = World()
    image = completed(world, "cat.jpg")
    again(world, image)
    shown = result(world, image)
    assert world.outcomes() == ["completed", "completed"]
    assert [(v.run, v.document) for v in shown.versions] == [
        (0, f"analyses/{image}/1/versions/0.json")
    ]
    assert world.left("analyses/") == [shown.document, shown.versions[0].document]
    assert {key.split("/")[2] for key in world.left("renditions/")} == {"1"}
    assert world.moments.count("resize: before uploads.get") == 1


def test_every_reanalysis_is_paid_for_and_adds_a_version() -> None:
    world = World()
    image = completed(world, "cat.jpg")
    for _ in range(3):
        again(world, image)
    assert sum(world.recognizer.paid.values()) == 4
    assert [version.run for version in result(world, image).versions] == [0, 1, 2]


def test_a_reanalysis_that_fails_leaves_what_was_published() -> None:
    world = World()
    image = completed(world, "cat.jpg")
    before = world.left("renditions/") + world.left("analyses/")
    world.recognizer.failures = [PermanentError("unreadable-picture", "no", fault=Fault.INTERNAL)]
    again(world, image)
    assert world.outcomes() == ["completed", "failed"]
    assert world.left("renditions/") + world.left("analyses/") == before
    assert result(world, image).run == 0


def test_an_analyzer_nobody_knows_fails_the_run_at_the_first_try() -> None:
    world = World()
    image = completed(world, "cat.jpg")
    again(world, image, analyzer="tarot")
    failure = json.loads(world.told.heard[-1].data)["failure"]
    assert (failure["stage"], failure["reason"]) == ("analyze", "unknown-analyzer")
    assert result(world, image).run == 0


def test_without_a_published_run_nothing_is_analysed_again() -> None:
    world = World()
    image = world.upload(b"no picture")
    world.run()
    again(world, image, force=True)
    assert (world.records.read(image).run, world.outcomes()) == (0, ["failed"])


@pytest.mark.parametrize("moment", ["before processed.copy", "after processed.copy"])
def test_a_worker_killed_over_the_copies_copies_them_the_next_time(moment: str) -> None:
    world = World()
    image = completed(world, "cat.jpg")
    world.kill_once = f"resize: {moment}"
    again(world, image)
    assert world.killed[-1] == world.kill_once
    assert {key.split("/")[2] for key in world.left("renditions/")} == {"1"}
    assert len(world.left("renditions/")) == 3


def test_the_same_content_is_paid_for_once() -> None:
    world = World()
    images = [completed(world, f"{n}.jpg") for n in range(4)]
    assert sum(world.recognizer.paid.values()) == 1
    assert {words.attributes["status"] for words in world.told.heard} == {"completed"}
    documents = [world.processed.get(result(world, image).document) for image in images]
    assert len({json.dumps(json.loads(found.body)["answers"]) for found in documents}) == 1


def test_the_record_says_what_was_reused_and_the_notification_does_not() -> None:
    world = World()
    first, second = (completed(world, key) for key in ("1.jpg", "2.jpg"))
    reused = world.records.read(second).current.analyzed.reused_from
    assert (reused.image, reused.run) == (first, 0)
    assert first not in world.told.heard[-1].data


def test_what_reuses_outlives_its_origin_and_the_index_forgets_the_deleted() -> None:
    world = World()
    first, second = (completed(world, key) for key in ("1.jpg", "2.jpg"))
    assert pointed_at(world) == {first}
    ask(world, DeleteRequested(image=first, run=0))
    world.run()
    assert pointed_at(world) == set()
    assert not any(first in key for key in world.left())
    assert world.processed.find(result(world, second).document)


def test_after_the_origin_is_deleted_the_content_is_paid_for_once_more() -> None:
    world = World()
    first = completed(world, "1.jpg")
    ask(world, DeleteRequested(image=first, run=0))
    world.run()
    second, _ = (completed(world, key) for key in ("2.jpg", "3.jpg"))
    assert sum(world.recognizer.paid.values()) == 2
    assert pointed_at(world) == {second}


def test_a_full_replay_reuses_its_forerunner_and_takes_the_entry_over() -> None:
    world = World()
    image = completed(world, "cat.jpg")
    ask(world, ReplayRequested(image=image, run=0))
    world.kill_once, world.killed = "analyze: before index.find", []
    world.run()
    assert sum(world.recognizer.paid.values()) == 1
    assert [json.loads(world.processed.get(key).body)["run"] for key in world.left("reuse/")] == [1]
