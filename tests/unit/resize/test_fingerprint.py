"""Fingerprints, tested with real photos."""

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from services.resize.logic import Format, Limits, Spec, develop
from services.resize.pictures.fingerprint import fingerprint_of
from services.resize.pictures.values import Fingerprint as Computed
from shared.contracts.images import Fingerprint
from shared.contracts.search_index import Features
from shared.similarity import MAX_DIFFERING_BITS, distance, hash_bands, ranked
from tests.pictures import encoded, photo

TESTS = Path(__file__).parents[2]
PHOTOS = sorted((TESTS / "lab" / "accuracy" / "photos").glob("*.jpg"))
THUMBNAIL = (Spec("thumbnail", 256),)

Change = Callable[[Image.Image], Image.Image]


def smaller(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)


def compressed(image: Image.Image) -> Image.Image:
    body = BytesIO()
    image.save(body, "JPEG", quality=30)
    return Image.open(body)


def brighter(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.2)


def fingerprint(image: Image.Image) -> Fingerprint:
    """The fingerprint that ``resize`` computes of a JPEG of this picture."""
    body = encoded(image.convert("RGB"), "JPEG", quality=95)
    return as_contract(develop(body, THUMBNAIL, Limits()).fingerprint)


def as_contract(computed: Computed) -> Fingerprint:
    return Fingerprint(hash=computed.hash)


def in_a_common_band(one: Iterable[str], other: Iterable[str]) -> bool:
    return any(a == b for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    return [Image.open(path).convert("RGB") for path in PHOTOS]


@pytest.fixture(scope="module")
def fingerprints(photos: Sequence[Image.Image]) -> list[Fingerprint]:
    return [fingerprint(image) for image in photos]


def test_there_are_enough_photos() -> None:
    assert len(PHOTOS) >= 12


@pytest.mark.parametrize("change", [smaller, compressed, brighter], ids=lambda b: b.__name__)
def test_a_changed_photo_is_found_as_a_near_duplicate(
    change: Change, photos: Sequence[Image.Image], fingerprints: Sequence[Fingerprint]
) -> None:
    for image, before in zip(photos, fingerprints, strict=True):
        after = fingerprint(change(image))
        assert distance(before, after) <= MAX_DIFFERING_BITS
        assert in_a_common_band(hash_bands(before), hash_bands(after))


def test_unrelated_photos_are_not_similar(fingerprints: Sequence[Fingerprint]) -> None:
    for one, other in combinations(fingerprints, 2):
        assert ranked(Features(fingerprint=one), {"other": Features(fingerprint=other)}) == []


def test_transparent_pixels_count_as_white() -> None:
    clear = Image.new("RGBA", (90, 60), (10, 20, 30, 0))
    white = Image.new("RGB", (90, 60), "white")
    assert fingerprint_of(clear) == fingerprint_of(white)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2)])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK"])
def test_every_picture_has_a_fingerprint(size: tuple[int, int], mode: str) -> None:
    assert as_contract(fingerprint_of(Image.new(mode, size)))


def test_lossless_formats_give_the_same_fingerprint() -> None:
    image = photo(300, 200)
    made = {
        develop(encoded(image, kind), (Spec("s", 64, Format.PNG),), Limits()).fingerprint
        for kind in ("PNG", "BMP", "TIFF")
    }
    assert len(made) == 1
