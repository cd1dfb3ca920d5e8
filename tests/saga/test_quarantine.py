"""Quarantine, in memory: a flagged image is quarantined until an operator releases it."""

import json
from typing import Any

import pytest

from services.store.logic import Policy
from shared.contracts.images import DeleteRequested, ReleaseRequested, ReplayRequested
from tests.lab.simulator.scripted import ScriptedSaga
from tests.lab.simulator.simulation import Action
from tests.saga.test_replay import CAT, ask
from tests.saga.test_reuse import completed


def flagged(
    *names: str, policy: Policy = Policy.QUARANTINE, copies: int = 1
) -> tuple[ScriptedSaga, str]:
    """A saga after one upload in which these names were seen."""
    saga = ScriptedSaga(policy=policy, copies=copies)
    saga.recognizer.flags = list(names)
    image = saga.upload(CAT)
    saga.run()
    return saga, image


def asked(saga: ScriptedSaga, event: Any) -> None:
    ask(saga, event)
    saga.run()


def notifications(saga: ScriptedSaga) -> list[dict[str, Any]]:
    return [json.loads(words.data) for words in saga.notifications.sent]


def shown(saga: ScriptedSaga, image: str) -> dict[str, Any]:
    return json.loads(saga.processed.find(f"results/{image}.json").body)


def test_a_flagged_image_is_notified_and_projected_without_renditions() -> None:
    saga, image = flagged("Nudity")
    (notification,) = notifications(saga)
    assert (notification["status"], notification["quarantined"], notification["renditions"]) == (
        "completed",
        True,
        [],
    )
    assert (shown(saga, image)["quarantined"], shown(saga, image)["renditions"]) == (True, [])
    assert len(saga.left("renditions/")) == 3


@pytest.mark.parametrize(("names", "policy"), [((), Policy.QUARANTINE), (("Nudity",), Policy.FLAG)])
def test_renditions_are_published_if_clean_or_without_quarantine(
    names: Any, policy: Policy
) -> None:
    saga, image = flagged(*names, policy=policy)
    (notification,) = notifications(saga)
    assert (notification["quarantined"], len(notification["renditions"])) == (False, 2)
    assert len(shown(saga, image)["renditions"]) == 2


def test_a_release_publishes_the_renditions_and_is_notified_once() -> None:
    saga, image = flagged("Nudity", copies=2)
    for _ in range(2):
        asked(saga, ReleaseRequested(image=image, run=0))
    assert saga.outcomes() == ["completed", "released"]
    assert len(notifications(saga)[1]["renditions"]) == 2
    assert len(shown(saga, image)["renditions"]) == 2


def test_an_outcome_published_again_after_a_release_is_the_same() -> None:
    saga, image = flagged("Nudity")
    asked(saga, ReleaseRequested(image=image, run=0))
    analyzed = next(e for e in saga.published if e.type == "image.analyzed.v1")
    saga.post("store", analyzed.to_json())
    saga.run()
    first, *again = [e for e in saga.published if e.type == "image.completed.v1"]
    assert again
    assert {e.data.model_dump_json() for e in again} == {first.data.model_dump_json()}


def test_a_released_image_stays_released_when_it_is_replayed() -> None:
    saga, image = flagged("Nudity")
    asked(saga, ReleaseRequested(image=image, run=0))
    asked(saga, ReplayRequested(image=image, run=0))
    assert [notification["quarantined"] for notification in notifications(saga)] == [
        True,
        False,
        False,
    ]
    assert {made["key"].split("/")[2] for made in shown(saga, image)["renditions"]} == {"1"}


def test_a_release_of_an_older_run_releases_the_published_one() -> None:
    saga, image = flagged("Nudity")
    asked(saga, ReplayRequested(image=image, run=0))
    asked(saga, ReleaseRequested(image=image, run=0))
    assert [
        (notification["status"], notification["run"]) for notification in notifications(saga)
    ] == [
        ("completed", 0),
        ("completed", 1),
        ("released", 1),
    ]


def test_a_release_before_anything_is_quarantined_is_refused() -> None:
    saga = ScriptedSaga(policy=Policy.QUARANTINE)
    saga.recognizer.flags = ["Nudity"]
    image = saga.upload(CAT)
    saga.kill_always = "analyze: before recognizer.ask"
    saga.run_for(60)
    ask(saga, ReleaseRequested(image=image, run=0))
    saga.run_for(1)
    saga.kill_always = ""
    saga.run()
    assert saga.outcomes() == ["completed"]
    assert shown(saga, image)["quarantined"]


@pytest.mark.parametrize("order", [(DeleteRequested, ReleaseRequested), (ReleaseRequested,)])
def test_a_deletion_is_final_over_a_release(order: Any) -> None:
    saga, image = flagged("Nudity")
    for request in (*order, DeleteRequested):
        asked(saga, request(image=image, run=0))
    asked(saga, ReleaseRequested(image=image, run=0))
    assert saga.outcomes().count("deleted") == 1
    assert saga.outcomes()[-1] == "deleted"
    assert saga.left() == []


def test_a_replay_a_month_later_repeats_no_release() -> None:
    saga, image = flagged("Nudity")
    asked(saga, ReleaseRequested(image=image, run=0))
    saga.do(Action("expire"))
    asked(saga, ReplayRequested(image=image, run=0))
    assert saga.outcomes() == ["completed", "released", "completed"]


def test_a_reanalysis_that_flags_quarantines_the_published_renditions() -> None:
    saga, image = flagged()
    saga.recognizer.flags = ["Nudity"]
    asked(saga, ReplayRequested(image=image, run=0, analyze_only=True))
    assert [notification["quarantined"] for notification in notifications(saga)] == [False, True]
    assert shown(saga, image)["renditions"] == []
    assert [version["run"] for version in shown(saga, image)["versions"]] == [0]


def test_a_released_image_stays_released_when_it_is_analysed_anew() -> None:
    saga, image = flagged("Nudity")
    asked(saga, ReleaseRequested(image=image, run=0))
    asked(saga, ReplayRequested(image=image, run=0, analyze_only=True))
    assert [notification["quarantined"] for notification in notifications(saga)] == [
        True,
        False,
        False,
    ]
    assert {made["key"].split("/")[2] for made in shown(saga, image)["renditions"]} == {"1"}


def test_an_image_that_reuses_a_flagged_analysis_is_quarantined() -> None:
    saga = ScriptedSaga(policy=Policy.QUARANTINE)
    saga.recognizer.flags = ["Nudity"]
    completed(saga, "first.jpg")
    saga.recognizer.flags = []
    twin = completed(saga, "twin.jpg")
    assert saga.records.read(twin).current.analyzed.reused_from
    assert (shown(saga, twin)["quarantined"], shown(saga, twin)["renditions"]) == (True, [])
