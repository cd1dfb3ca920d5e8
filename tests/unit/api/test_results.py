"""Lists of images and labels: filters, cursors, and the cost of a page."""

import base64
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from services.api import cursors
from services.api.queries import MAX_QUERIES
from shared.contracts.search_index import INDEX
from tests.contract.samples import PLACEHOLDER
from tests.unit.api.conftest import Api, IndexEntries


def pages(api: Api, **query: str) -> list[str]:
    """The names on all pages, in order."""
    names: list[str] = []
    more: dict[str, str] = {}
    while True:
        status, body = api.request("GET", "/results", query=query | more)
        assert status == 200, body
        names += [item["name"] for item in body["items"]]
        if body["cursor"] is None:
            return names
        more = {"cursor": body["cursor"]}


def test_all_pages_together_have_each_image_once_newest_first(
    api: Api, entry: IndexEntries
) -> None:
    api.tables.index["all"] = [entry(n) for n in range(7)]
    assert pages(api, limit="3") == [f"{n}.jpg" for n in reversed(range(7))]


def test_a_full_last_page_has_no_cursor(api: Api, entry: IndexEntries) -> None:
    api.tables.index["all"] = [entry(n) for n in range(3)]
    assert api.request("GET", "/results", query={"limit": "3"})[1]["cursor"] is None


def test_a_list_has_the_placeholder_of_each_image_without_reading_its_record(
    api: Api, entry: IndexEntries
) -> None:
    placeholder = json.loads(PLACEHOLDER.model_dump_json())
    api.tables.index["all"] = [entry(0), entry(1, placeholder=placeholder)]
    items = api.request("GET", "/results")[1]["items"]
    shown = {"thumbHash": PLACEHOLDER.thumb_hash, "averageColour": PLACEHOLDER.average_colour}
    assert [item["placeholder"] for item in items] == [shown, None]
    assert api.tables.records == {}


@pytest.mark.parametrize(
    ("query", "name", "expected"),
    [
        ({"label": "Cat"}, "label#Cat", "210"),
        ({"label": "Cat", "minConfidence": "90"}, "label#Cat", "2"),
        ({"minConfidence": "51.5"}, "all", "2"),
        ({"owner": "ann"}, "owner#ann", "210"),
        ({"status": "failed"}, "status#failed", "0"),
        ({"status": "failed", "owner": "ann"}, "owner#ann", "0"),
        ({"flagged": "true"}, "flagged", "1"),
        ({"flagged": "false"}, "all", "20"),
        ({"from": "2026-11-21T09:01:00Z"}, "all", "21"),
        ({"to": "2026-11-21T10:01:00+01:00"}, "all", "10"),
    ],
)
def test_a_filter_selects_the_matching_images(
    api: Api, entry: IndexEntries, query: dict[str, str], name: str, expected: str
) -> None:
    entries = [
        entry(0, status="failed", owner="ann", confidence=80),
        entry(1, flagged=True, owner="ann", confidence=85),
        entry(2, owner="ann", confidence=95),
    ]
    if name.startswith("status"):
        entries = entries[:1]
    if name == "flagged":
        entries = entries[1:2]
    api.tables.index[name] = entries
    assert pages(api, limit="1", **query) == [f"{n}.jpg" for n in expected]


def test_a_filter_that_matches_nothing_costs_a_limited_number_of_queries(
    api: Api, entry: IndexEntries
) -> None:
    api.tables.index["all"] = [
        entry(0, at=f"2026-11-21T09:00:00.{n:06}Z#{'0' * 36}") for n in range(2000)
    ]
    status, body = api.request("GET", "/results", query={"minConfidence": "99"})
    assert (status, body["items"], api.tables.queries) == (200, [], MAX_QUERIES)
    assert body["cursor"]


@pytest.mark.parametrize("text", ["x", "é", "W10", "e30", "bnVsbA", "A" * 1000])
def test_a_cursor_that_was_not_issued_is_refused(api: Api, text: str) -> None:
    status, body = api.request("GET", "/results", query={"cursor": text})
    assert (status, body["code"]) == (400, "invalid-cursor")


@pytest.mark.parametrize("position", ["", "x", "2026-11-21T09:00:00.000000Z#" + "x" * 36])
def test_a_cursor_with_an_invented_position_is_refused(
    api: Api, entry: IndexEntries, position: str
) -> None:
    api.tables.index["all"] = [entry(n) for n in range(2)]
    issued = api.request("GET", "/results", query={"limit": "1"})[1]["cursor"]
    query = _query_of(issued)
    status, body = api.request("GET", "/results", query={"cursor": cursors.encode(query, position)})
    assert (status, body["code"]) == (400, "invalid-cursor")


def test_a_cursor_is_valid_for_its_filters_only(api: Api, entry: IndexEntries) -> None:
    api.tables.index["all"] = [entry(n) for n in range(2)]
    issued = api.request("GET", "/results", query={"limit": "1"})[1]["cursor"]
    status, body = api.request("GET", "/results", query={"cursor": issued, "status": "failed"})
    assert (status, body["code"]) == (400, "invalid-cursor")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"minConfidence": "NaN"},
        {"minConfidence": "101"},
        {"status": "deleted"},
        {"from": "yesterday"},
        {"from": "2026-11-21T09:00:00"},
        {"from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z"},
        {"to": "0001-01-01T00:00:00+10:00"},
        {"label": ""},
    ],
)
def test_an_invalid_parameter_is_refused_by_its_name(api: Api, query: dict[str, str]) -> None:
    status, body = api.request("GET", "/results", query=query)
    assert status == 400
    assert body["errors"][0]["location"].startswith("query.")


def test_labels_are_summed_over_partitions_and_sorted_by_count(api: Api) -> None:
    api.tables.partitions = {
        "labels/0": [{"item": "label/Cat", "images": 2}, {"item": "label/Gone", "images": 0}],
        "labels/7": [{"item": "label/Cat", "images": 1}, {"item": "label/Dog", "images": 5}],
    }
    first = api.request("GET", "/labels", query={"limit": "1"})[1]
    second = api.request("GET", "/labels", query={"limit": "1", "cursor": first["cursor"]})[1]
    assert first["labels"] == [{"name": "Dog", "images": 5}]
    assert second == {"labels": [{"name": "Cat", "images": 3}], "cursor": None}


def test_the_function_may_query_the_search_index() -> None:
    service = Path(__file__).parents[3] / "services" / "api" / "service.toml"
    allowed = tomllib.loads(service.read_text())["allow"]
    assert {"actions": ["dynamodb:Query"], "on": f"records/index/{INDEX}"} in allowed


def _query_of(cursor: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]
