"""Placeholders: the ThumbHash is the reference implementation's, and the colour is the mean."""

from base64 import b64decode, b64encode

import pytest
from PIL import Image

from services.resize.logic import Spec
from services.resize.pictures.placeholder import placeholder_of, thumb_hash
from tests.pictures import BLUE, RED, WHITE, close, encoded, hole, noise, opened, photo

SPEC = Spec("thumbnail", 256)


def ring(width: int, height: int) -> Image.Image:
    """A photo that is transparent in the middle and opaque at the corners."""
    picture = photo(width, height).convert("RGBA")
    picture.putalpha(Image.radial_gradient("L").resize((width, height)))
    return picture


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (photo(32, 24), "oNcJLYihhoiAeIaKeHdodxBj8QuZ"),
        (photo(24, 32), "IAgKLQygZ4OYuHd5dpdoaCBg9AhX"),
        (photo(24, 24), "nvcJJwyglnZziHh4Z5eImHWYByEVf5EF"),
        (photo(100, 13), "3ucJIYyAlnd0h4eHBGH0J1o="),
        (photo(1, 60), "nmY9USYIh3iIiId494N4r1g="),
        (noise(40, 30), "3wcCDYLWeOmWyZafpHannL+uAT4I"),
        (ring(32, 24), "YdeFHIYYkYWAdnlZCCM2v4CJf4h3+GeHCA=="),
        (ring(24, 40), "YOeFIwYYkHKWl3ZAcPUtSviHeId/dog="),
        (photo(20, 10).convert("RGBA"), "HucFLIhQRnayWXeap1kgZ4KqCA=="),
        (Image.new("RGBA", (9, 9), (1, 2, 3, 0)), "AAiCBQAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="),
    ],
)
def test_the_hash_is_that_of_the_reference_implementation(
    picture: Image.Image, expected: str
) -> None:
    """The expected values are those of the npm package ``thumbhash`` 0.1.1."""
    assert b64encode(thumb_hash(picture)).decode() == expected


def test_the_hash_of_one_colour_has_no_noise() -> None:
    flat = thumb_hash(Image.new("RGB", (8, 8), (90, 90, 90)))
    assert flat[5:] == bytes(len(flat) - 5)


@pytest.mark.parametrize("side", [200, 700])
def test_the_hash_hardly_depends_on_the_size(side: int) -> None:
    whole = photo(800, 600)
    other = whole.resize((side, side * 3 // 4))
    one, two = (_nibbles(placeholder_of(picture).thumb_hash) for picture in (whole, other))
    assert max(abs(a - b) for a, b in zip(one, two, strict=True)) <= 1


def _nibbles(thumb_hash: str) -> list[int]:
    return [half for byte in b64decode(thumb_hash) for half in (byte & 15, byte >> 4)]


@pytest.mark.parametrize(
    ("picture", "colour"),
    [
        (Image.new("RGB", (300, 200), RED), "#ff0000"),
        (Image.new("L", (30, 20), 0x80), "#808080"),
        (Image.new("RGBA", (300, 200), (*BLUE, 0)), "#ffffff"),
    ],
)
def test_the_average_colour_is_the_mean_on_white(picture: Image.Image, colour: str) -> None:
    assert placeholder_of(picture).average_colour == colour


def test_half_a_picture_of_red_on_transparency_is_pink() -> None:
    average = placeholder_of(hole()).average_colour
    assert close(tuple(bytes.fromhex(average[1:])), (255, 128, 128))


def test_an_original_gets_the_placeholder_of_its_upright_picture(developed) -> None:
    original = photo(400, 300)
    upright = developed(encoded(original, "PNG"), SPEC)
    expected = placeholder_of(opened(upright.renditions[0].body).convert("RGB"))
    one, two = (
        tuple(bytes.fromhex(placeholder.average_colour[1:]))
        for placeholder in (upright.placeholder, expected)
    )
    assert close(one, two)
    white = developed(encoded(Image.new("RGB", (9, 9), WHITE), "GIF"), SPEC)
    assert white.placeholder.average_colour == "#ffffff"
