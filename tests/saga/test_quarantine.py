"""Quarantine, in memory: what is flagged is quarantined until somebody has looked at it."""

import json
from typing import Any

import pytest

from services.store.logic import Policy
from shared.contracts.images import DeleteRequested, ReleaseRequested, ReplayRequested
from tests.saga.test_replay import CAT, ask
from tests.saga.test_reuse import completed
from tests.saga.world import World


def flagged(*names: str, policy: Policy = Policy.QUARANTINE, copies: int = 1) -> tuple[World, str]:
    """A world after one upload in which these names were seen."""
    world = World(policy=policy, copies=copies)
    world.recognizer.flags = list(names)
    image = world.upload(CAT)
    world.run()
    return world, image


def asked(world: World, event: Any) -> None:
    ask(world, event)
    world.run()


def told(world: World) -> list[dict[str, Any]]:
    return [json.loads(words.data) for words in world.told.heard]


def shown(world: World, image: str) -> dict[str, Any]:
    return json.loads(world.processed.find(f"results/{image}.json").body)


def test_what_is_flagged_is_told_and_shown_without_its_renditions() -> None:
    world, image = flagged("Nudity")
    (said,) = told(world)
    assert (said["status"], said["quarantined"], said["renditions"]) == ("completed", True, [])
    assert (shown(world, image)["quarantined"], shown(world, image)["renditions"]) == (True, [])
    assert len(world.left("renditions/")) == 3


@pytest.mark.parametrize(("names", "policy"), [((), Policy.QUARANTINE), (("Nudity",), Policy.FLAG)])
def test_what_is_clean_or_under_no_quarantine_is_handed_out(names: Any, policy: Policy) -> None:
    world, image = flagged(*names, policy=policy)
    (said,) = told(world)
    assert (said["quarantined"], len(said["renditions"])) == (False, 2)
    assert len(shown(world, image)["renditions"]) == 2


def test_a_release_hands_out_what_was_quarantined_and_is_told_once() -> None:
    world, image = flagged("Nudity", copies=2)
    for _ in range(2):
        asked(world, ReleaseRequested(image=image, run=0))
    assert world.outcomes() == ["completed", "released"]
    assert len(told(world)[1]["renditions"]) == 2
    assert len(shown(world, image)["renditions"]) == 2


def test_a_verdict_announced_again_after_a_release_says_what_it_said() -> None:
    world, image = flagged("Nudity")
    asked(world, ReleaseRequested(image=image, run=0))
    analyzed = next(e for e in world.published if e.type == "image.analyzed.v1")
    world.send("store", analyzed.to_json())
    world.run()
    first, *again = [e for e in world.published if e.type == "image.completed.v1"]
    assert again
    assert {e.data.model_dump_json() for e in again} == {first.data.model_dump_json()}


def test_a_released_image_stays_released_when_it_is_replayed() -> None:
    world, image = flagged("Nudity")
    asked(world, ReleaseRequested(image=image, run=0))
    asked(world, ReplayRequested(image=image, run=0))
    assert [said["quarantined"] for said in told(world)] == [True, False, False]
    assert {made["key"].split("/")[2] for made in shown(world, image)["renditions"]} == {"1"}


def test_an_image_quarantined_again_by_its_new_run_is_released_by_whoever_saw_the_old_one() -> None:
    world, image = flagged("Nudity")
    asked(world, ReplayRequested(image=image, run=0))
    asked(world, ReleaseRequested(image=image, run=0))
    assert [(said["status"], said["run"]) for said in told(world)] == [
        ("completed", 0),
        ("completed", 1),
        ("released", 1),
    ]


def test_a_release_before_anything_is_quarantined_is_refused() -> None:
    world = World(policy=Policy.QUARANTINE)
    world.recognizer.flags = ["Nudity"]
    image = world.upload(CAT)
    world.kill_always = "analyze: before recognizer.ask"
    world.run_for(60)
    ask(world, ReleaseRequested(image=image, run=0))
    world.run_for(1)
    world.kill_always = ""
    world.run()
    assert world.outcomes() == ["completed"]
    assert shown(world, image)["quarantined"]


@pytest.mark.parametrize("order", [(DeleteRequested, ReleaseRequested), (ReleaseRequested,)])
def test_a_delete_wins_over_a_release(order: Any) -> None:
    world, image = flagged("Nudity")
    for request in (*order, DeleteRequested):
        asked(world, request(image=image, run=0))
    asked(world, ReleaseRequested(image=image, run=0))
    assert world.outcomes().count("deleted") == 1
    assert world.outcomes()[-1] == "deleted"
    assert world.left() == []


def test_a_month_later_a_replay_does_not_tell_of_the_release_again() -> None:
    world, image = flagged("Nudity")
    asked(world, ReleaseRequested(image=image, run=0))
    world.clock.advance(31 * 24 * 3600)
    world.ledger.rows.clear()
    asked(world, ReplayRequested(image=image, run=0))
    assert world.outcomes() == ["completed", "released", "completed"]


def test_a_reanalysis_that_flags_withholds_what_was_handed_out() -> None:
    world, image = flagged()
    world.recognizer.flags = ["Nudity"]
    asked(world, ReplayRequested(image=image, run=0, analyze_only=True))
    assert [said["quarantined"] for said in told(world)] == [False, True]
    assert shown(world, image)["renditions"] == []
    assert [version["run"] for version in shown(world, image)["versions"]] == [0]


def test_a_released_image_stays_released_when_it_is_analysed_anew() -> None:
    world, image = flagged("Nudity")
    asked(world, ReleaseRequested(image=image, run=0))
    asked(world, ReplayRequested(image=image, run=0, analyze_only=True))
    assert [said["quarantined"] for said in told(world)] == [True, False, False]
    assert {made["key"].split("/")[2] for made in shown(world, image)["renditions"]} == {"1"}


def test_what_reuses_the_answers_about_a_flagged_picture_is_quarantined_too() -> None:
    world = World(policy=Policy.QUARANTINE)
    world.recognizer.flags = ["Nudity"]
    completed(world, "first.jpg")
    world.recognizer.flags = []
    twin = completed(world, "twin.jpg")
    assert world.records.read(twin).current.analyzed.reused_from
    assert (shown(world, twin)["quarantined"], shown(world, twin)["renditions"]) == (True, [])
