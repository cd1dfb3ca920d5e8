"""Resampling in steps: rows, then columns, and releasing the source."""

import pytest
from PIL import Image

from services.resize.pictures import scale
from services.resize.pictures.values import Size
from tests.pictures import photo, unlikeness

SIZES = [Size(300, 200), Size(900, 200), Size(300, 600), Size(70, 40), Size(1200, 800)]
MODES = ["L", "RGB", "RGBA", "CMYK"]


@pytest.fixture(params=["SIMD", "Pillow"])
def _each_resampler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Pillow":
        monkeypatch.setattr(scale, "_simd", None)
    elif scale.cykooz_resizer is None:
        pytest.skip("the SIMD resizer is not installed")


@pytest.mark.usefixtures("_each_resampler")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", MODES)
def test_a_resized_picture_is_similar_to_lanczos(mode: str, size: Size) -> None:
    picture = photo(900, 600).convert(mode)
    small = scale.resize(picture, size)
    assert (small.size, small.mode) == (size, mode)
    assert unlikeness(small, picture.resize(size, Image.Resampling.LANCZOS)) < 2


@pytest.mark.usefixtures("_each_resampler")
@pytest.mark.parametrize("width", [256, 64])
@pytest.mark.parametrize("mode", MODES)
def test_a_reduced_picture_is_not_shifted(mode: str, width: int) -> None:
    """If the factor does not divide the width, the last column is the mean of fewer columns."""
    picture = Image.linear_gradient("L").rotate(90).resize((1003, 16)).convert(mode)
    expected = picture.resize((width, 16), Image.Resampling.LANCZOS)
    assert unlikeness(scale.resize(picture, Size(width, 16)), expected) < 0.5


def test_a_released_source_is_closed_after_resampling() -> None:
    picture = photo(90, 60)
    scale.resize(picture, Size(30, 20), release_source=True)
    with pytest.raises(ValueError, match="closed"):
        picture.getpixel((0, 0))


def test_a_picture_of_the_target_size_is_returned_open() -> None:
    picture = photo(90, 60)
    assert scale.resize(picture, Size(90, 60), release_source=True) is picture
    assert picture.getpixel((0, 0)) is not None


def test_a_source_that_is_not_released_stays_open() -> None:
    picture = photo(90, 60)
    scale.resize(picture, Size(30, 20))
    assert picture.getpixel((0, 0)) is not None
