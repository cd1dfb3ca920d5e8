"""Sizes: renditions fit their box, have the original's proportions and are never enlarged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.resize.pictures.geometry import at_least, crop_box, filling, fit, largest
from services.resize.pictures.values import MAX_SIDE, Fill, FocalPoint, Format, Size, Spec

SIDES = st.integers(1, 65_535)
SIZES = st.builds(Size, SIDES, SIDES)
BOXES = st.integers(1, MAX_SIDE)
COVERS = st.builds(
    lambda width, height: Spec("cover", width, height=height, fill=Fill.COVER), BOXES, BOXES
)
FITS = st.builds(lambda width, height: Spec("fit", width, height=height), BOXES, BOXES)
POINTS = st.builds(FocalPoint, x=st.floats(0, 1), y=st.floats(0, 1))


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


@given(SIZES, FITS)
def test_a_rendition_fits_a_box_that_is_no_square(size, spec):
    made = filling(size, spec)
    assert made.width <= spec.box.width
    assert made.height <= spec.box.height


@given(SIZES, COVERS, POINTS)
def test_a_crop_is_a_part_of_the_picture_no_larger_than_its_box(size, spec, point):
    whole = filling(size, spec)
    left, top, right, bottom = crop_box(whole, spec, point)
    assert 0 <= left < right <= whole.width <= size.width
    assert 0 <= top < bottom <= whole.height <= size.height
    assert right - left <= spec.box.width
    assert bottom - top <= spec.box.height


@given(SIZES, COVERS, POINTS)
def test_a_crop_fills_its_box_or_is_the_largest_part_of_its_proportions(size, spec, point):
    whole = filling(size, spec)
    left, top, right, bottom = crop_box(whole, spec, point)
    part = Size(right - left, bottom - top)
    assert part == spec.box or part.width == whole.width or part.height == whole.height


@given(SIZES, COVERS, POINTS)
def test_the_focal_point_is_in_the_crop(size, spec, point):
    whole = filling(size, spec)
    left, top, right, bottom = crop_box(whole, spec, point)
    assert left - 1 <= point.x * whole.width <= right + 1
    assert top - 1 <= point.y * whole.height <= bottom + 1


@given(SIZES, st.lists(COVERS | FITS, min_size=1, max_size=4))
def test_an_original_is_decoded_large_enough_for_every_rendition_and_orientation(size, specs):
    decoded = largest(size, specs)
    for spec in specs:
        for upright, whole in ((size, decoded), (size[::-1], decoded[::-1])):
            needed = filling(Size(*upright), spec)
            assert needed.width <= whole[0]
            assert needed.height <= whole[1]


def test_a_panorama_covers_its_box_without_a_side_above_the_limit():
    spec = Spec("square", 2048, fill=Fill.COVER)
    assert filling(Size(60_000, 1500), spec) == Size(MAX_SIDE, 250)
