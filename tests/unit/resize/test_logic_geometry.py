"""Sizes: renditions fit their box, have the original's proportions and are never enlarged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.resize.pictures.geometry import at_least, fit
from services.resize.pictures.values import MAX_SIDE, Format, Size, Spec

SIDES = st.integers(1, 65_535)
SIZES = st.builds(Size, SIDES, SIDES)
BOXES = st.integers(1, MAX_SIDE)


@given(SIZES, BOXES)
def test_a_rendition_stays_in_its_box(size, side):
    assert max(fit(size, side)) <= side


@given(SIZES, BOXES)
def test_a_rendition_is_never_larger_than_the_original(size, side):
    small = fit(size, side)
    assert small.width <= size.width
    assert small.height <= size.height


@given(SIZES, BOXES)
def test_no_side_becomes_zero(size, side):
    assert min(fit(size, side)) >= 1


@given(SIZES, BOXES)
def test_proportions_are_preserved_within_a_pixel(size, side):
    small = fit(size, side)
    factor = max(small) / max(size)
    assert abs(small.width - size.width * factor) <= 1
    assert abs(small.height - size.height * factor) <= 1


@given(SIZES, BOXES)
def test_a_rendition_is_as_large_as_its_box_allows(size, side):
    assert max(fit(size, side)) == min(side, max(size))


@given(SIZES, BOXES)
def test_rotation_and_reduction_commute(size, side):
    assert fit(Size(size.height, size.width), side) == fit(size, side)[::-1]


@given(SIZES)
def test_a_large_enough_size_is_not_enlarged(size):
    assert at_least(size, min(size), 1600) == size


@given(st.builds(Size, st.integers(1, 79), st.integers(1, 1600)))
def test_a_small_size_is_enlarged_until_a_side_has_its_target(size):
    grown = at_least(size, 80, 1600)
    assert min(grown) == 80 or max(grown) == 1600


@pytest.mark.parametrize("side", [0, -1, MAX_SIDE + 1])
def test_an_invalid_side_is_refused_by_name(side):
    with pytest.raises(ValueError, match="thumbnail: a side is"):
        Spec("thumbnail", side)


@pytest.mark.parametrize("quality", [0, 101])
def test_an_invalid_quality_is_refused_by_name(quality):
    with pytest.raises(ValueError, match="web: a quality is"):
        Spec("web", 2048, Format.JPEG, quality)


def test_auto_has_no_content_type():
    with pytest.raises(ValueError, match="AUTO"):
        _ = Format.AUTO.content_type
