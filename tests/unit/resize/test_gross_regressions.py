"""Regressions that make image processing several times slower, as ratios within this process.

`make bench` measures the speed. These tests fail only if an optimization is lost.
"""

import time
from collections.abc import Callable, Iterator
from statistics import median

import pytest
from PIL import Image, ImageFile

from services.resize.logic import Format, Limits, Spec, develop
from services.resize.pictures import scale
from services.resize.pictures.values import Size
from tests.pictures import encoded, opened, photo

SPECS = [Spec("web", 350), Spec("preview", 256), Spec("thumbnail", 64, Format.JPEG)]
SMALL_ANALYSIS = Spec("analysis", 300, Format.JPEG)


@pytest.fixture(scope="module")
def original() -> bytes:
    return encoded(photo(2400, 1800), "JPEG", quality=90)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Size]]:
    """The size of each picture that is decoded from a file."""
    sizes: list[Size] = []
    load = ImageFile.ImageFile.load

    def watched(picture: ImageFile.ImageFile) -> object:
        undecoded = bool(picture.tile)
        access = load(picture)
        if undecoded:
            sizes.append(Size(*picture.size))
        return access

    monkeypatch.setattr(ImageFile.ImageFile, "load", watched)
    return sizes


def cpu(work: Callable[[], object]) -> float:
    """The median of seven runs, after one that warms up."""

    def once() -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    return median([once() for _ in range(8)][1:])


def test_a_jpeg_is_decoded_once_at_a_reduced_size(original: bytes, loaded: list[Size]) -> None:
    develop(original, SPECS, Limits(), SMALL_ANALYSIS)
    assert loaded == [Size(600, 450)]


def test_all_renditions_take_less_time_than_decoding_twice(original: bytes) -> None:
    """It takes longer without scaled decoding, or if each rendition decodes again."""
    everything = cpu(lambda: develop(original, SPECS, Limits(), SMALL_ANALYSIS))
    assert everything < 2 * cpu(lambda: opened(original))


@pytest.mark.skipif(scale.cykooz_resizer is None, reason="the SIMD resizer is not installed")
def test_an_installed_simd_resizer_is_used(original: bytes) -> None:
    """It takes a third of Pillow's time, so it must take less than half."""
    picture, size = opened(original), (1100, 825)
    plain = cpu(lambda: picture.resize(size, Image.Resampling.LANCZOS))
    assert cpu(lambda: scale.resize(picture, Size(*size))) < plain / 2
