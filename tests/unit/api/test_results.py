"""Pages of results: filters, cursors and what a page may cost."""

import base64
import json
from typing import Any

import pytest

from services.api.logic import cursor
from services.api.steps import QUERIES
from tests.unit.api.conftest import Api, IndexEntries


def pages(api: Api, **query: str) -> list[str]:
    """The names on all pages, in order."""
    names: list[str] = []
    more: dict[str, str] = {}
    while True:
        status, said = api.ask("GET", "/results", query=query | more)
        assert status == 200, said
        names += [item["name"] for item in said["items"]]
        if said["cursor"] is None:
            return names
        more = {"cursor": said["cursor"]}


def test_all_pages_together_are_all_images_newest_first_and_each_once(
    api: Api, entry: IndexEntries
) -> None:
    api.tables.lists["all"] = [entry(n) for n in range(7)]
    assert pages(api, limit="3") == [f"{n}.jpg" for n in reversed(range(7))]


def test_a_full_last_page_has_no_cursor(api: Api, entry: IndexEntries) -> None:
    api.tables.lists["all"] = [entry(n) for n in range(3)]
    assert api.ask("GET", "/results", query={"limit": "3"})[1]["cursor"] is None


@pytest.mark.parametrize(
    ("query", "name", "wanted"),
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
def test_a_filter_leaves_what_it_says(
    api: Api, entry: IndexEntries, query: dict[str, str], name: str, wanted: str
) -> None:
    known = [
        entry(0, status="failed", owner="ann", confidence=80),
        entry(1, flagged=True, owner="ann", confidence=85),
        entry(2, owner="ann", confidence=95),
    ]
    if name.startswith("status"):
        known = known[:1]
    if name == "flagged":
        known = known[1:2]
    api.tables.lists[name] = known
    assert pages(api, limit="1", **query) == [f"{n}.jpg" for n in wanted]


def test_a_filter_that_nothing_meets_costs_no_more_than_a_few_queries(
    api: Api, entry: IndexEntries
) -> None:
    api.tables.lists["all"] = [
        entry(0, at=f"2026-11-21T09:00:00.{n:06}Z#{'0' * 36}") for n in range(2000)
    ]
    status, said = api.ask("GET", "/results", query={"minConfidence": "99"})
    assert (status, said["items"], api.tables.queries) == (200, [], QUERIES)
    assert said["cursor"]


@pytest.mark.parametrize("text", ["x", "é", "W10", "e30", "bnVsbA", "A" * 1000])
def test_a_broken_cursor_is_refused(api: Api, text: str) -> None:
    status, said = api.ask("GET", "/results", query={"cursor": text})
    assert (status, said["code"]) == (400, "broken-cursor")


@pytest.mark.parametrize("place", ["", "x", "2026-11-21T09:00:00.000000Z#" + "x" * 36])
def test_a_cursor_with_a_place_of_somebodys_own_is_refused(
    api: Api, entry: IndexEntries, place: str
) -> None:
    api.tables.lists["all"] = [entry(n) for n in range(2)]
    given = api.ask("GET", "/results", query={"limit": "1"})[1]["cursor"]
    question = _question(given)
    status, said = api.ask("GET", "/results", query={"cursor": cursor(question, place)})
    assert (status, said["code"]) == (400, "broken-cursor")


def test_a_cursor_belongs_to_its_question(api: Api, entry: IndexEntries) -> None:
    api.tables.lists["all"] = [entry(n) for n in range(2)]
    given = api.ask("GET", "/results", query={"limit": "1"})[1]["cursor"]
    status, said = api.ask("GET", "/results", query={"cursor": given, "status": "failed"})
    assert (status, said["code"]) == (400, "broken-cursor")


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
def test_a_question_that_means_nothing_is_refused_with_its_place(
    api: Api, query: dict[str, str]
) -> None:
    status, said = api.ask("GET", "/results", query=query)
    assert status == 400
    assert said["errors"][0]["at"].startswith("query.")


def test_labels_are_summed_over_partitions_and_listed_most_first(api: Api) -> None:
    api.tables.partitions = {
        "labels/0": [{"item": "label/Cat", "images": 2}, {"item": "label/Gone", "images": 0}],
        "labels/7": [{"item": "label/Cat", "images": 1}, {"item": "label/Dog", "images": 5}],
    }
    first = api.ask("GET", "/labels", query={"limit": "1"})[1]
    second = api.ask("GET", "/labels", query={"limit": "1", "cursor": first["cursor"]})[1]
    assert first["labels"] == [{"name": "Dog", "images": 5}]
    assert second == {"labels": [{"name": "Cat", "images": 3}], "cursor": None}


def _question(given: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))[0]
