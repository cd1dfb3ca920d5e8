"""One image: its response, its analysis, similar images, and the commands for it."""

import json
from datetime import timedelta
from functools import reduce
from typing import Any

import pytest

from services.api.queries import MAX_DOCUMENT
from services.store.logic import Policy, decide
from shared.contracts.envelope import Event
from shared.contracts.images import DeleteRequested, ReleaseRequested, ReplayRequested
from shared.contracts.record import Record
from shared.similarity import embedding_bands
from tests.contract.samples import (
    ANALYZED,
    CAT,
    DELETE_REQUESTED,
    EMBEDDING,
    FINGERPRINT,
    PLACEHOLDER,
    RESIZED,
    STEP_FAILED,
    TEXT,
)
from tests.unit.api.conftest import IMAGE, NOW, Api, IndexEntries

PATH = f"/results/{CAT}"
REPLAY = ReplayRequested(image=CAT, run=0)


def put_record(api: Api, *events: Event, policy: Policy = Policy.FLAG) -> Record:
    """Put the record that ``store`` would write after these events."""

    def after(record: Record | None, event: Event) -> Record | None:
        return decide(record, event, NOW, policy)

    record = reduce(after, events, None)
    assert record
    api.tables.records[record.image] = record
    return record


def test_a_completed_image_has_renditions_and_labels(api: Api) -> None:
    put_record(api, RESIZED, ANALYZED)
    status, body = api.request("GET", PATH)
    assert (status, body["status"], body["run"], body["published"]) == (200, "completed", 0, 0)
    assert body["labels"][0] == {"name": "Cat", "confidence": 98.76}
    assert body["thumbnail"]["url"].endswith("?signed")
    assert [rendition["name"] for rendition in body["renditions"]] == ["thumbnail", "preview"]
    assert "bucket" not in body["source"]


def test_a_completed_image_has_its_details_and_its_placeholder(api: Api) -> None:
    put_record(api, RESIZED, ANALYZED)
    _, body = api.request("GET", PATH)
    assert body["details"] == {
        "hdr": True,
        "gainMap": True,
        "animated": True,
        "frames": 12,
        "duration": 1.2,
        "warnings": ["missing-end-marker"],
    }
    assert body["placeholder"] == {
        "thumbHash": PLACEHOLDER.thumb_hash,
        "averageColour": PLACEHOLDER.average_colour,
    }


def test_an_image_of_an_older_version_has_no_placeholder(api: Api) -> None:
    put_record(api, RESIZED.model_copy(update={"placeholder": None}), ANALYZED)
    assert api.request("GET", PATH)[1]["placeholder"] is None


def test_a_quarantined_image_has_no_links(api: Api) -> None:
    put_record(api, RESIZED, ANALYZED, policy=Policy.QUARANTINE)
    _, body = api.request("GET", PATH)
    assert (body["quarantined"], body["thumbnail"], body["renditions"]) == (True, None, [])
    assert body["placeholder"] is None


def test_an_image_that_is_processing_has_no_links(api: Api) -> None:
    put_record(api, RESIZED)
    _, body = api.request("GET", PATH)
    assert (body["status"], body["renditions"], body["labels"]) == ("processing", [], [])
    assert (body["placeholder"], body["details"]["frames"]) == (None, 12)


def test_a_failed_image_has_its_failure_and_its_compensation(api: Api) -> None:
    failed = STEP_FAILED.model_copy(update={"image": CAT, "stage": "analyze"})
    put_record(api, RESIZED, failed)
    _, body = api.request("GET", PATH)
    assert (body["status"], body["failure"]["stage"]) == ("failed", "analyze")
    made = ["thumbnail", "preview"]
    assert body["compensated"] == [{"run": 0, "renditions": made, "analysis": False}]


def test_an_unknown_image_is_not_found_and_a_deleted_one_is_gone(api: Api) -> None:
    put_record(api, RESIZED, ANALYZED, DELETE_REQUESTED)
    assert api.request("GET", f"/results/{IMAGE}")[1]["code"] == "image-not-found"
    status, body = api.request("GET", PATH)
    assert (status, body["code"]) == (410, "image-deleted")
    assert NOW.isoformat(timespec="seconds") in body["detail"]


def test_every_hop_has_its_start_durations_and_attempts(api: Api) -> None:
    put_record(api, RESIZED, ANALYZED)
    began = NOW.timestamp()
    api.tables.timeline = [moment("e1", "resize", "image.resized.v1", 1.0)]
    api.tables.ledger = [
        claim("resize/image.uploaded.v1/e0", began, began + 1.5, attempts=1),
        claim("analyze/image.resized.v1/e1", began + 1.25, None, attempts=3),
    ]
    first, second = api.request("GET", PATH)[1]["timeline"]
    assert (first["service"], first["workedMs"], first["state"]) == ("resize", 1500, "done")
    assert (second["waitedMs"], second["attempts"], second["state"]) == (250, 3, "in-progress")


def test_a_hop_that_gave_up_and_a_decision_are_in_the_timeline(api: Api) -> None:
    put_record(api, RESIZED)
    began = NOW.timestamp()
    api.tables.ledger = [claim("analyze/image.resized.v1/e1", began, began + 1, attempts=5)]
    api.tables.timeline = [
        moment("e1", "resize", "image.resized.v1", 0.0),
        moment("e2", "analyze", "step.failed.v1", 1.0),
        moment("e3", "store", "image.failed.v1", 1.5),
    ]
    first, decision = api.request("GET", PATH)[1]["timeline"]
    assert (first["service"], first["state"]) == ("analyze", "gave-up")
    assert (decision["service"], decision["type"]) == ("store", "step.failed.v1")
    assert decision["workedMs"] == 500


def moment(event: str, service: str, kind: str, seconds: float) -> dict[str, Any]:
    time = (NOW + timedelta(seconds=seconds)).isoformat()
    row = {"item": f"event/{event}", "type": kind, "source": f"darkroom/{service}"}
    return {**row, "run": 0, "time": time}


def claim(name: str, began: float, completed: float | None, attempts: int) -> dict[str, Any]:
    row = {"claim": name, "claimed_at": began, "attempts": attempts, "until": began + 40}
    return row if completed is None else row | {"completed_at": completed}


def test_the_analysis_is_returned_as_it_is_stored(api: Api) -> None:
    put_record(api, RESIZED, ANALYZED)
    api.processed.put(ANALYZED.document, b'{"answers": {"labels": {}}}', "application/json")
    assert api.request("GET", f"{PATH}/analysis") == (200, {"answers": {"labels": {}}})


def test_an_analysis_too_large_for_a_response_is_a_link(api: Api) -> None:
    put_record(api, RESIZED, ANALYZED)
    api.processed.put(ANALYZED.document, b" " * (MAX_DOCUMENT + 1), "application/json")
    _, body = api.request("GET", f"{PATH}/analysis")
    assert body == {"url": f"https://s3/{ANALYZED.document}?signed"}


def test_an_image_without_a_completed_run_has_no_analysis(api: Api) -> None:
    put_record(api, RESIZED)
    assert api.request("GET", f"{PATH}/analysis")[1]["code"] == "not-analyzed"


def test_the_same_picture_in_another_size_is_a_near_duplicate(
    api: Api, entry: IndexEntries
) -> None:
    put_record(api, RESIZED.model_copy(update={"fingerprint": FINGERPRINT}), ANALYZED)
    twin = entry(3, fingerprint=FINGERPRINT.model_dump())
    api.tables.index["hash#0#00ff"] = [
        twin,
        entry(4, image=CAT, fingerprint=FINGERPRINT.model_dump()),
    ]
    _, body = api.request("GET", f"{PATH}/similar")
    (item,) = body["items"]
    assert (item["name"], item["kind"], item["score"]) == ("3.jpg", "near-duplicate", 1.0)


def test_a_picture_with_a_close_embedding_is_similar(api: Api, entry: IndexEntries) -> None:
    put_record(api, RESIZED, ANALYZED)
    other = {"fingerprint": {"hash": "f" * 16}, "embedding": EMBEDDING.model_dump()}
    band = embedding_bands(EMBEDDING)[3]
    api.tables.index["hash#0#00ff"] = [entry(3, fingerprint={"hash": "00ff" + "f" * 12})]
    api.tables.index[f"embedding#3#{band}"] = [entry(3, **other), entry(4, **other, image=CAT)]
    _, body = api.request("GET", f"{PATH}/similar")
    (item,) = body["items"]
    assert (item["name"], item["kind"]) == ("3.jpg", "similar")
    assert item["score"] == pytest.approx(1)


def test_without_a_fingerprint_or_an_embedding_nothing_is_similar(
    api: Api, entry: IndexEntries
) -> None:
    put_record(api, RESIZED.model_copy(update={"fingerprint": None}))
    api.tables.index["hash#0#00ff"] = [entry(3, fingerprint=FINGERPRINT.model_dump())]
    assert api.request("GET", f"{PATH}/similar")[1] == {"items": []}


def test_a_replay_is_requested_for_the_current_run(api: Api) -> None:
    put_record(api, RESIZED, ANALYZED)
    status, body = api.request("POST", f"{PATH}/replay", json.dumps({"analyzeOnly": True}))
    (request,) = [envelope.data for envelope in api.bus.published]
    assert (status, body) == (202, {"image": CAT, "run": 1})
    assert request == REPLAY.model_copy(update={"analyze_only": True})


def test_a_replay_needs_no_body(api: Api) -> None:
    put_record(api, RESIZED, ANALYZED)
    assert api.request("POST", f"{PATH}/replay") == (202, {"image": CAT, "run": 1})


def test_a_run_that_is_processing_is_replayed_with_force_only(api: Api) -> None:
    put_record(api, RESIZED)
    status, body = api.request("POST", f"{PATH}/replay", "{}")
    assert (status, body["code"], api.bus.published) == (409, "still-processing", [])
    assert api.request("POST", f"{PATH}/replay", '{"force": true}')[0] == 202


def test_a_deletion_is_requested(api: Api) -> None:
    put_record(api, RESIZED)
    assert api.request("DELETE", PATH)[0] == 202
    assert [envelope.data for envelope in api.bus.published] == [DeleteRequested(image=CAT, run=0)]


def test_only_a_quarantined_image_is_released(api: Api) -> None:
    put_record(api, RESIZED, ANALYZED)
    assert api.request("POST", f"{PATH}/release")[1]["code"] == "not-quarantined"
    put_record(api, RESIZED, ANALYZED, policy=Policy.QUARANTINE)
    assert api.request("POST", f"{PATH}/release")[0] == 202
    assert [envelope.data for envelope in api.bus.published] == [ReleaseRequested(image=CAT, run=0)]


@pytest.mark.parametrize("suffix", ["", "/analysis", "/similar"])
def test_an_invalid_id_is_refused(api: Api, suffix: str) -> None:
    assert api.request("GET", f"/results/{TEXT.upper()}{suffix}")[0] == 400
