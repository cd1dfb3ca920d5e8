"""What is computed of a picture to find it again, held against real photos."""

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
from shared.similarity import NEAR, distance, hash_bands, ranked
from tests.pictures import encoded, photo

TESTS = Path(__file__).parents[2]
PHOTOS = sorted((TESTS / "lab" / "accuracy" / "photos").glob("*.jpg"))
THUMBNAIL = (Spec("thumbnail", 256),)

Befall = Callable[[Image.Image], Image.Image]


def smaller(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)


def compressed(image: Image.Image) -> Image.Image:
    body = BytesIO()
    image.save(body, "JPEG", quality=30)
    return Image.open(body)


def brighter(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.2)


def seen(image: Image.Image) -> Fingerprint:
    """What ``resize`` says of a JPEG of this picture."""
    body = encoded(image.convert("RGB"), "JPEG", quality=95)
    return said(develop(body, THUMBNAIL, Limits()).fingerprint)


def said(computed: Computed) -> Fingerprint:
    return Fingerprint(hash=computed.hash)


def together(one: Iterable[str], other: Iterable[str]) -> bool:
    return any(a == b for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    return [Image.open(path).convert("RGB") for path in PHOTOS]


@pytest.fixture(scope="module")
def known(photos: Sequence[Image.Image]) -> list[Fingerprint]:
    return [seen(image) for image in photos]


def test_there_are_photos_to_hold_it_against() -> None:
    assert len(PHOTOS) >= 12


@pytest.mark.parametrize("befall", [smaller, compressed, brighter], ids=lambda b: b.__name__)
def test_the_same_photo_is_found_and_called_a_near_duplicate(
    befall: Befall, photos: Sequence[Image.Image], known: Sequence[Fingerprint]
) -> None:
    for image, before in zip(photos, known, strict=True):
        after = seen(befall(image))
        assert distance(before, after) <= NEAR
        assert together(hash_bands(before), hash_bands(after))


def test_unrelated_photos_are_not_called_similar(known: Sequence[Fingerprint]) -> None:
    for one, other in combinations(known, 2):
        assert ranked(Features(fingerprint=one), {"other": Features(fingerprint=other)}) == []


def test_a_transparent_picture_looks_as_it_does_on_white() -> None:
    clear = Image.new("RGBA", (90, 60), (10, 20, 30, 0))
    white = Image.new("RGB", (90, 60), "white")
    assert fingerprint_of(clear) == fingerprint_of(white)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2)])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK"])
def test_every_picture_looks_like_something(size: tuple[int, int], mode: str) -> None:
    assert said(fingerprint_of(Image.new(mode, size)))


def test_it_is_the_same_from_any_format_that_keeps_the_pixels() -> None:
    image = photo(300, 200)
    made = {
        develop(encoded(image, kind), (Spec("s", 64, Format.PNG),), Limits()).fingerprint
        for kind in ("PNG", "BMP", "TIFF")
    }
    assert len(made) == 1
