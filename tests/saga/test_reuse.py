"""Re-analysis and reuse, in memory: versions add up, content is paid for once, delete takes all."""

import json
from typing import Any

import pytest

from shared.contracts.images import DeleteRequested, ImageCompleted, ReplayRequested
from shared.errors import Fault, PermanentError
from tests.lab.simulator.scripted import ScriptedSaga
from tests.saga.test_replay import CAT, ask


def completed(saga: ScriptedSaga, key: str) -> str:
    """An upload that has ended; ``store`` receives its renditions before ``analyze`` is done."""
    image = saga.upload(CAT, key)
    saga.kill_once = "analyze: before recognizer.ask"
    saga.killed.clear()
    saga.run()
    return image


def again(saga: ScriptedSaga, image: str, **how: Any) -> None:
    run = saga.records.read(image).run
    ask(saga, ReplayRequested(image=image, run=run, analyze_only=True, **how))
    saga.run()


def result(saga: ScriptedSaga, image: str) -> ImageCompleted:
    return ImageCompleted.model_validate_json(saga.processed.get(f"results/{image}.json").body)


def pointed_at(saga: ScriptedSaga) -> set[str]:
    """The images that the index points at."""
    entries = [json.loads(saga.processed.get(key).body) for key in saga.left("reuse/")]
    return {entry["image"] for entry in entries}


def test_a_reanalysis_copies_the_renditions_and_keeps_the_version_before() -> None:
    saga = ScriptedSaga()
    image = completed(saga, "cat.jpg")
    again(saga, image)
    shown = result(saga, image)
    assert saga.outcomes() == ["completed", "completed"]
    assert [(v.run, v.document) for v in shown.versions] == [
        (0, f"analyses/{image}/1/versions/0.json")
    ]
    assert saga.left("analyses/") == [shown.document, shown.versions[0].document]
    assert {key.split("/")[2] for key in saga.left("renditions/")} == {"1"}
    assert saga.moments.count("resize: before uploads.get") == 1


def test_every_reanalysis_is_paid_for_and_adds_a_version() -> None:
    saga = ScriptedSaga()
    image = completed(saga, "cat.jpg")
    for _ in range(3):
        again(saga, image)
    assert sum(saga.recognizer.paid.values()) == 4
    assert [version.run for version in result(saga, image).versions] == [0, 1, 2]


def test_a_reanalysis_that_fails_leaves_what_was_published() -> None:
    saga = ScriptedSaga()
    image = completed(saga, "cat.jpg")
    before = saga.left("renditions/") + saga.left("analyses/")
    saga.recognizer.failures = [PermanentError("unreadable-picture", "no", fault=Fault.INTERNAL)]
    again(saga, image)
    assert saga.outcomes() == ["completed", "failed"]
    assert saga.left("renditions/") + saga.left("analyses/") == before
    assert result(saga, image).run == 0


def test_an_unknown_analyzer_fails_the_run_at_the_first_attempt() -> None:
    saga = ScriptedSaga()
    image = completed(saga, "cat.jpg")
    again(saga, image, analyzer="tarot")
    failure = json.loads(saga.notifications.sent[-1].data)["failure"]
    assert (failure["stage"], failure["reason"]) == ("analyze", "unknown-analyzer")
    assert result(saga, image).run == 0


def test_without_a_published_run_nothing_is_analysed_again() -> None:
    saga = ScriptedSaga()
    image = saga.upload(b"no picture")
    saga.run()
    again(saga, image, force=True)
    assert (saga.records.read(image).run, saga.outcomes()) == (0, ["failed"])


@pytest.mark.parametrize("moment", ["before processed.copy", "after processed.copy"])
def test_a_worker_killed_while_copying_copies_at_the_next_delivery(moment: str) -> None:
    saga = ScriptedSaga()
    image = completed(saga, "cat.jpg")
    saga.kill_once = f"resize: {moment}"
    again(saga, image)
    assert saga.killed[-1] == saga.kill_once
    assert {key.split("/")[2] for key in saga.left("renditions/")} == {"1"}
    assert len(saga.left("renditions/")) == 3


def test_the_same_content_is_paid_for_once() -> None:
    saga = ScriptedSaga()
    images = [completed(saga, f"{n}.jpg") for n in range(4)]
    assert sum(saga.recognizer.paid.values()) == 1
    assert {words.attributes["status"] for words in saga.notifications.sent} == {"completed"}
    documents = [saga.processed.get(result(saga, image).document) for image in images]
    assert len({json.dumps(json.loads(found.body)["answers"]) for found in documents}) == 1


def test_the_record_names_the_reused_run_and_the_notification_does_not() -> None:
    saga = ScriptedSaga()
    first, second = (completed(saga, key) for key in ("1.jpg", "2.jpg"))
    reused = saga.records.read(second).current.analyzed.reused_from
    assert (reused.image, reused.run) == (first, 0)
    assert first not in saga.notifications.sent[-1].data


def test_a_reused_analysis_outlives_its_origin_and_the_index_does_not() -> None:
    saga = ScriptedSaga()
    first, second = (completed(saga, key) for key in ("1.jpg", "2.jpg"))
    assert pointed_at(saga) == {first}
    ask(saga, DeleteRequested(image=first, run=0))
    saga.run()
    assert pointed_at(saga) == set()
    assert not any(first in key for key in saga.left())
    assert saga.processed.find(result(saga, second).document)


def test_after_the_origin_is_deleted_the_content_is_paid_for_once_more() -> None:
    saga = ScriptedSaga()
    first = completed(saga, "1.jpg")
    ask(saga, DeleteRequested(image=first, run=0))
    saga.run()
    second, _ = (completed(saga, key) for key in ("2.jpg", "3.jpg"))
    assert sum(saga.recognizer.paid.values()) == 2
    assert pointed_at(saga) == {second}


def test_a_full_replay_reuses_the_run_before_it_and_its_index_entry() -> None:
    saga = ScriptedSaga()
    image = completed(saga, "cat.jpg")
    ask(saga, ReplayRequested(image=image, run=0))
    saga.kill_once, saga.killed = "analyze: before index.find", []
    saga.run()
    assert sum(saga.recognizer.paid.values()) == 1
    assert [json.loads(saga.processed.get(key).body)["run"] for key in saga.left("reuse/")] == [1]
