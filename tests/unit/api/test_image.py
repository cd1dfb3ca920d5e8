"""One image: what is shown of it, and what can be asked for it."""

import json
from datetime import timedelta
from functools import reduce
from typing import Any

import pytest

from services.api.steps import LARGEST_ANSWER
from services.store.logic import Policy, decide
from shared.contracts.envelope import Event
from shared.contracts.images import DeleteRequested, ReleaseRequested, ReplayRequested
from shared.contracts.record import Record
from shared.similarity import embedding_bands
from tests.contract.samples import (
    ANALYZED,
    CAT,
    EMBEDDING,
    GAVE_UP,
    LIKENESS,
    RESIZED,
    TEXT,
    UNWANTED,
)
from tests.unit.api.conftest import IMAGE, NOW, Api, IndexEntries

PATH = f"/results/{CAT}"
REPLAY = ReplayRequested(image=CAT, run=0)


def known(api: Api, *events: Event, policy: Policy = Policy.FLAG) -> Record:
    """The record as ``store`` would have it after these."""

    def after(record: Record | None, event: Event) -> Record | None:
        return decide(record, event, NOW, policy)

    record = reduce(after, events, None)
    assert record
    api.tables.records[record.image] = record
    return record


def test_a_completed_image_shows_what_was_made_and_seen(api: Api) -> None:
    known(api, RESIZED, ANALYZED)
    status, said = api.ask("GET", PATH)
    assert (status, said["status"], said["run"], said["published"]) == (200, "completed", 0, 0)
    assert said["labels"][0] == {"name": "Cat", "confidence": 98.76}
    assert said["thumbnail"]["url"].endswith("?signed")
    assert [made["name"] for made in said["renditions"]] == ["thumbnail", "preview"]
    assert "bucket" not in said["source"]


def test_what_is_quarantined_is_shown_without_a_single_link(api: Api) -> None:
    known(api, RESIZED, ANALYZED, policy=Policy.QUARANTINE)
    _, said = api.ask("GET", PATH)
    assert (said["quarantined"], said["thumbnail"], said["renditions"]) == (True, None, [])


def test_an_image_at_work_has_no_links_yet(api: Api) -> None:
    known(api, RESIZED)
    _, said = api.ask("GET", PATH)
    assert (said["status"], said["renditions"], said["labels"]) == ("working", [], [])


def test_a_failed_image_says_where_and_why_and_what_was_unmade(api: Api) -> None:
    failed = GAVE_UP.model_copy(update={"image": CAT, "stage": "analyze"})
    known(api, RESIZED, failed)
    _, said = api.ask("GET", PATH)
    assert (said["status"], said["failure"]["stage"]) == ("failed", "analyze")
    made = ["thumbnail", "preview"]
    assert said["compensated"] == [{"run": 0, "renditions": made, "analysis": False}]


def test_what_nobody_knows_is_not_found_and_what_was_deleted_is_gone(api: Api) -> None:
    known(api, RESIZED, ANALYZED, UNWANTED)
    assert api.ask("GET", f"/results/{IMAGE}")[1]["code"] == "unknown-image"
    status, said = api.ask("GET", PATH)
    assert (status, said["code"]) == (410, "image-deleted")
    assert NOW.isoformat(timespec="seconds") in said["detail"]


def test_every_hop_says_when_how_long_and_how_often(api: Api) -> None:
    known(api, RESIZED, ANALYZED)
    began = NOW.timestamp()
    api.tables.timeline = [moment("e1", "resize", "image.resized.v1", 1.0)]
    api.tables.ledger = [
        claim("resize/image.uploaded.v1/e0", began, began + 1.5, attempts=1),
        claim("analyze/image.resized.v1/e1", began + 1.25, None, attempts=3),
    ]
    first, second = api.ask("GET", PATH)[1]["timeline"]
    assert (first["service"], first["worked_ms"], first["state"]) == ("resize", 1500, "done")
    assert (second["waited_ms"], second["attempts"], second["state"]) == (250, 3, "working")


def test_a_hop_that_gave_up_and_a_decision_are_told_as_such(api: Api) -> None:
    known(api, RESIZED)
    began = NOW.timestamp()
    api.tables.ledger = [claim("analyze/image.resized.v1/e1", began, began + 1, attempts=5)]
    api.tables.timeline = [
        moment("e1", "resize", "image.resized.v1", 0.0),
        moment("e2", "analyze", "step.failed.v1", 1.0),
        moment("e3", "store", "image.failed.v1", 1.5),
    ]
    first, decision = api.ask("GET", PATH)[1]["timeline"]
    assert (first["service"], first["state"]) == ("analyze", "given-up")
    assert (decision["service"], decision["type"]) == ("store", "step.failed.v1")
    assert decision["worked_ms"] == 500


def moment(event: str, service: str, kind: str, seconds: float) -> dict[str, Any]:
    time = (NOW + timedelta(seconds=seconds)).isoformat()
    said = {"item": f"event/{event}", "type": kind, "source": f"darkroom/{service}"}
    return {**said, "run": 0, "time": time}


def claim(name: str, began: float, completed: float | None, attempts: int) -> dict[str, Any]:
    row = {"claim": name, "claimed_at": began, "attempts": attempts, "until": began + 40}
    return row if completed is None else row | {"completed_at": completed}


def test_the_analysis_is_answered_as_it_is_kept(api: Api) -> None:
    known(api, RESIZED, ANALYZED)
    api.processed.put(ANALYZED.document, b'{"answers": {"labels": {}}}', "application/json")
    assert api.ask("GET", f"{PATH}/analysis") == (200, {"answers": {"labels": {}}})


def test_an_analysis_too_large_for_an_answer_is_a_link(api: Api) -> None:
    known(api, RESIZED, ANALYZED)
    api.processed.put(ANALYZED.document, b" " * (LARGEST_ANSWER + 1), "application/json")
    _, said = api.ask("GET", f"{PATH}/analysis")
    assert said == {"url": f"https://s3/{ANALYZED.document}?signed"}


def test_what_was_not_analysed_has_no_analysis(api: Api) -> None:
    known(api, RESIZED)
    assert api.ask("GET", f"{PATH}/analysis")[1]["code"] == "not-analysed"


def test_the_same_picture_in_another_size_is_a_near_duplicate(
    api: Api, entry: IndexEntries
) -> None:
    known(api, RESIZED.model_copy(update={"fingerprint": LIKENESS}), ANALYZED)
    twin = entry(3, fingerprint=LIKENESS.model_dump())
    api.tables.lists["hash#0#00ff"] = [twin, entry(4, image=CAT, fingerprint=LIKENESS.model_dump())]
    _, said = api.ask("GET", f"{PATH}/similar")
    (found,) = said["items"]
    assert (found["name"], found["kind"], found["score"]) == ("3.jpg", "near-duplicate", 1.0)


def test_a_picture_that_a_network_sees_alike_is_a_look_alike(api: Api, entry: IndexEntries) -> None:
    known(api, RESIZED, ANALYZED)
    other = {"fingerprint": {"hash": "f" * 16}, "embedding": EMBEDDING.model_dump()}
    band = embedding_bands(EMBEDDING)[3]
    api.tables.lists["hash#0#00ff"] = [entry(3, fingerprint={"hash": "00ff" + "f" * 12})]
    api.tables.lists[f"look#3#{band}"] = [entry(3, **other), entry(4, **other, image=CAT)]
    _, said = api.ask("GET", f"{PATH}/similar")
    (found,) = said["items"]
    assert (found["name"], found["kind"]) == ("3.jpg", "similar")
    assert found["score"] == pytest.approx(1)


def test_where_nothing_is_known_to_compare_by_nothing_is_similar(
    api: Api, entry: IndexEntries
) -> None:
    known(api, RESIZED.model_copy(update={"fingerprint": None}))
    api.tables.lists["hash#0#00ff"] = [entry(3, fingerprint=LIKENESS.model_dump())]
    assert api.ask("GET", f"{PATH}/similar")[1] == {"items": []}


def test_a_replay_is_asked_of_store_for_the_run_that_is_there(api: Api) -> None:
    known(api, RESIZED, ANALYZED)
    status, said = api.ask("POST", f"{PATH}/replay", json.dumps({"analyzeOnly": True}))
    (asked,) = [envelope.data for envelope in api.bus.published]
    assert (status, said) == (202, {"image": CAT, "run": 1})
    assert asked == REPLAY.model_copy(update={"analyze_only": True})


def test_a_replay_needs_no_body(api: Api) -> None:
    known(api, RESIZED, ANALYZED)
    assert api.ask("POST", f"{PATH}/replay") == (202, {"image": CAT, "run": 1})


def test_what_is_still_at_work_is_replayed_with_force_alone(api: Api) -> None:
    known(api, RESIZED)
    status, said = api.ask("POST", f"{PATH}/replay", "{}")
    assert (status, said["code"], api.bus.published) == (409, "still-working", [])
    assert api.ask("POST", f"{PATH}/replay", '{"force": true}')[0] == 202


def test_a_deletion_is_asked_of_store(api: Api) -> None:
    known(api, RESIZED)
    assert api.ask("DELETE", PATH)[0] == 202
    assert [each.data for each in api.bus.published] == [DeleteRequested(image=CAT, run=0)]


def test_only_what_is_quarantined_is_released(api: Api) -> None:
    known(api, RESIZED, ANALYZED)
    assert api.ask("POST", f"{PATH}/release")[1]["code"] == "not-quarantined"
    known(api, RESIZED, ANALYZED, policy=Policy.QUARANTINE)
    assert api.ask("POST", f"{PATH}/release")[0] == 202
    assert [each.data for each in api.bus.published] == [ReleaseRequested(image=CAT, run=0)]


@pytest.mark.parametrize("way", ["", "/analysis", "/similar"])
def test_an_id_that_is_none_is_refused(api: Api, way: str) -> None:
    assert api.ask("GET", f"/results/{TEXT.upper()}{way}")[0] == 400
