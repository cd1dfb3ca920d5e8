"""Every picture of the shared cases has the stated size, pixels and facts.

``expected.json`` states the size and the colours at three points, on white.
"""

import re

import pytest
from PIL import Image

from services.resize.logic import Format, Limits, Spec, develop
from tests.picture_cases import CASES, picture_case
from tests.pictures import opened

HDR = re.compile(r"pq|hlg")
"""The names of the cases in HDR. Their colours are Chromium's tone mapping."""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d)?")
"""The cases state local times; some of their files have an offset as well."""
NOT_BLANK = "the still is not blank"
"""Chromium shows the blank first frame of this case. Its stated pixels are not ours."""

every_case = pytest.mark.parametrize("name", sorted(CASES) or ["expected.json"])


@pytest.fixture
def stated(name):
    """The case's entry of ``expected.json``."""
    return picture_case(name).stated


@pytest.fixture
def fact(stated):
    """What the record must say; empty if the case states nothing."""
    return stated.get("expect", "")


@pytest.fixture
def picture(name, stated):
    """The case, processed to a PNG as large as the original."""
    width, height = _sides(stated)
    spec = Spec("whole", max(width, height), Format.PNG)
    return develop(picture_case(name).original, [spec], Limits())


@every_case
def test_a_case_has_the_stated_size(stated, picture):
    assert (picture.width, picture.height) == _sides(stated)
    assert opened(picture.renditions[0].body).size == _sides(stated)


@every_case
def test_a_case_has_the_stated_pixels(name, stated, fact, picture):
    pixels = _pixels(opened(picture.renditions[0].body))
    if NOT_BLANK in fact:
        assert set(pixels) != {(255, 255, 255)}
        return
    limit = 10 if HDR.search(name) else 3
    differences = [
        abs(ours - theirs)
        for colour, expected in zip(pixels, stated["pixels"], strict=True)
        for ours, theirs in zip(colour, expected, strict=True)
    ]
    assert max(differences) <= limit, f"{pixels} instead of {stated['pixels']}"


@every_case
def test_a_case_has_the_stated_facts(name, fact, picture):
    if date := TIME.match(fact):
        assert picture.captured.at.startswith(date[0])
    if "offset dropped" in fact:
        assert TIME.fullmatch(picture.captured.at)[1] is None
    assert picture.details.animated == ("animated true" in fact)
    assert picture.details.hdr == bool(HDR.search(name))
    assert not picture.gps_removed  # no case has a position


def _sides(stated):
    width, height = stated["size"].split("x")
    return int(width), int(height)


def _pixels(picture):
    """The colours on white at 1/4, 1/2 and 3/4 of both sides."""
    shown = Image.new("RGBA", picture.size, "white")
    shown.alpha_composite(picture.convert("RGBA"))
    points = [(shown.width * n // 4, shown.height * n // 4) for n in (1, 2, 3)]
    return [shown.getpixel(point)[:3] for point in points]
