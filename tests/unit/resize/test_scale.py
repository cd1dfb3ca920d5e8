"""Resampling by turns: rows, then columns, and a large picture let go in between."""

import pytest

from services.resize.pictures import scale
from services.resize.pictures.values import Size
from tests.pictures import photo

SIMD = pytest.mark.skipif(scale.cykooz_resizer is None, reason="the SIMD resizer is not installed")


@SIMD
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_two_passes_make_the_very_same_pixels_as_one(mode: str) -> None:
    picture, size = photo(900, 600).convert(mode), Size(301, 200)
    assert scale.resize(picture, size).tobytes() == scale._resample(picture, size).tobytes()


@pytest.mark.parametrize("size", [Size(30, 20), Size(90, 20), Size(30, 60)])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK"])
def test_a_side_that_stays_is_no_pass_of_its_own(mode: str, size: Size) -> None:
    small = scale.resize(photo(90, 60).convert(mode), size)
    assert (small.size, small.mode) == (size, mode)


def test_a_picture_that_is_spent_is_closed_once_it_is_resampled() -> None:
    picture = photo(90, 60)
    scale.resize(picture, Size(30, 20), spent=True)
    with pytest.raises(ValueError, match="closed"):
        picture.getpixel((0, 0))


def test_a_picture_of_that_size_already_is_given_back_open() -> None:
    picture = photo(90, 60)
    assert scale.resize(picture, Size(90, 60), spent=True) is picture
    assert picture.getpixel((0, 0)) is not None


def test_a_picture_that_is_needed_again_stays_open() -> None:
    picture = photo(90, 60)
    scale.resize(picture, Size(30, 20))
    assert picture.getpixel((0, 0)) is not None
