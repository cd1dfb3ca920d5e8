"""usage.json agrees with the code."""

import json

import pytest

from infra.config.stages import Stage
from infra.planning.work import ANALYZE, DECIDED, NOTIFIED, RESIZED, REUSED, UPLOADED
from tests.lab.capacity import capacity
from tests.lab.capacity.usage import ANSWERS, FILE, counted


@pytest.fixture(scope="module")
def usage():
    return counted()


def test_the_file_has_the_calls_of_an_image(usage):
    """After an intended change run: python -m tests.lab.capacity.usage"""
    assert json.loads(FILE.read_text("utf-8")) == usage


def test_every_hop_of_an_image_was_counted(usage):
    assert set(usage["hops"]) == {UPLOADED, RESIZED, ANALYZE, DECIDED, NOTIFIED, REUSED}


def test_each_detection_is_one_call_and_known_content_needs_none(usage):
    calls = {name for name in usage["hops"][ANALYZE]["calls"] if name.startswith("rekognition:")}
    names = Stage.load("prod").variables_of("analyze")["DETECT"].split()
    assert (
        calls
        == {f"rekognition:{name}" for name in names}
        <= {f"rekognition:{name}" for name in ANSWERS}
    )
    assert not any(name.startswith("rekognition:") for name in usage["hops"][REUSED]["calls"])


def test_an_image_has_three_writes_in_the_list_of_all(usage):
    assert [usage["hops"][hop]["partitions"]["all"] for hop in (RESIZED, DECIDED)] == [1, 2]


LIST = {"partition": {"S": "all"}, "at": {"S": "2026"}}
LATER = {"partition": {"S": "all"}, "at": {"S": "2027"}}
OTHER = {"partition": {"S": "flagged"}, "at": {"S": "2026"}}


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, None, {}),
        (None, LIST, {"all": 1}),
        (LIST, LIST, {}),
        (LIST, LIST | {"name": {"S": "x"}}, {"all": 1}),
        (LIST, LATER, {"all": 2}),
        (LIST, OTHER, {"all": 1, "flagged": 1}),
        (LIST, None, {"all": 1}),
        ({"image": {"S": "x"}}, {"image": {"S": "y"}}, {}),
    ],
)
def test_the_index_uses_a_unit_for_each_removed_and_added_entry(before, after, units):
    assert capacity.to_index(before, after) == units


def test_units_are_rounded_up_and_at_least_one():
    kilobyte = {"a": {"S": "x" * 1023}}
    assert [capacity.to_write(None, None), capacity.to_write(None, kilobyte)] == [1, 1]
    assert capacity.to_write(kilobyte, {"a": {"S": "x" * 1024}}) == 2
    assert [capacity.to_read(None), capacity.to_read({"a": {"S": "x" * 4096}})] == [1, 2]


def test_the_size_of_an_item_is_that_of_its_names_and_values():
    item = {"é": {"S": "ü"}, "n": {"N": "-12.50"}, "l": {"L": [{"BOOL": True}]}, "m": {"M": {}}}
    assert capacity.size(item) == (2 + 2) + (1 + 3) + (1 + 3 + 2) + (1 + 3)
