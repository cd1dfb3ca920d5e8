"""What is reckoned with is what the code does: the file of usage cannot rot."""

import json

import pytest

from infra.config.stages import Stage
from infra.planning.work import ANALYZE, DECIDED, NOTIFIED, RESIZED, REUSED, UPLOADED
from tests.lab.capacity import capacity
from tests.lab.capacity.usage import ANSWERS, FILE, counted


@pytest.fixture(scope="module")
def found():
    return counted()


def test_the_file_says_what_an_image_asks_of_aws(found):
    """After a change that is meant: python -m tests.lab.capacity.usage"""
    assert json.loads(FILE.read_text("utf-8")) == found


def test_every_hop_of_an_image_was_counted(found):
    assert set(found["hops"]) == {UPLOADED, RESIZED, ANALYZE, DECIDED, NOTIFIED, REUSED}


def test_each_detection_is_one_call_and_known_content_none(found):
    asked = {name for name in found["hops"][ANALYZE]["calls"] if name.startswith("rekognition:")}
    words = Stage.load("prod").variables_of("analyze")["DETECT"].split()
    assert (
        asked
        == {f"rekognition:{word}" for word in words}
        <= {f"rekognition:{word}" for word in ANSWERS}
    )
    assert not any(name.startswith("rekognition:") for name in found["hops"][REUSED]["calls"])


def test_an_image_moves_three_times_in_the_list_of_all(found):
    assert [found["hops"][hop]["partitions"]["all"] for hop in (RESIZED, DECIDED)] == [1, 2]


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
def test_the_index_takes_a_unit_for_what_goes_and_one_for_what_comes(before, after, units):
    assert capacity.to_index(before, after) == units


def test_units_are_rounded_up_and_never_nothing():
    kilobyte = {"a": {"S": "x" * 1023}}
    assert [capacity.to_write(None, None), capacity.to_write(None, kilobyte)] == [1, 1]
    assert capacity.to_write(kilobyte, {"a": {"S": "x" * 1024}}) == 2
    assert [capacity.to_read(None), capacity.to_read({"a": {"S": "x" * 4096}})] == [1, 2]


def test_an_item_is_as_large_as_its_names_and_values():
    item = {"é": {"S": "ü"}, "n": {"N": "-12.50"}, "l": {"L": [{"BOOL": True}]}, "m": {"M": {}}}
    assert capacity.size(item) == (2 + 2) + (1 + 3) + (1 + 3 + 2) + (1 + 3)
