"""Every mode that Pillow decodes, in every format that can store it, has the right colours."""

from typing import Any

import pytest
from PIL import Image

from services.resize.pictures.header import identify, open_header
from services.resize.pictures.values import Limits
from tests.pictures import close, encoded, opened

SIDES = (120, 80)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIC")
COLOUR, HALF, GREY = (200, 100, 50), (200, 100, 50, 128), (118, 118, 118)
WHITE = (255, 255, 255)

INKS = (194, 110, 73)
"""What libvips 8.18 makes of COLOUR's inks (55, 155, 205, 0) without a profile."""

TABLE: dict[str, tuple[Any, tuple[int, ...], str]] = {
    "1": (1, WHITE, "PNG TIFF BMP"),
    "L": (118, GREY, "JPEG PNG TIFF BMP AVIF HEIC"),
    "LA": ((118, 128), (*GREY, 128), "PNG TIFF"),
    "La": ((59, 128), (*GREY, 128), "HEIC"),
    "P": (3, COLOUR, "PNG GIF TIFF BMP"),
    "PA": (3, COLOUR, "TIFF"),
    "RGB": (COLOUR, COLOUR, "JPEG PNG WEBP TIFF BMP AVIF HEIC"),
    "RGBA": (HALF, HALF, "PNG WEBP TIFF AVIF HEIC"),
    "RGBa": ((100, 50, 25, 128), HALF, "HEIC"),
    "RGBX": (COLOUR, COLOUR, "JPEG TIFF"),
    "CMYK": ((55, 155, 205, 0), INKS, "JPEG TIFF"),
    "YCbCr": ((124, 86, 182), COLOUR, "JPEG TIFF"),
    "LAB": ((138, 166, 174), COLOUR, "TIFF"),
    "I": (100_000, (128, 128, 128), "TIFF"),  # in a range from 0 to 200,000
    "F": (118 / 255, GREY, "TIFF"),
    "I;16": (118 * 257, GREY, "PNG TIFF HEIC"),
    "I;16B": (118 * 257, GREY, "PNG TIFF"),
    "I;16L": (118 * 257, GREY, "TIFF HEIC"),
}
"""For each mode a pixel, its colour in sRGB, and the formats that store this mode."""

NOT_STORED = {"HSV", "I;16N"}
"""Modes that no format stores."""

ROWS = [(mode, form) for mode, (_, _, forms) in TABLE.items() for form in forms.split()]
SIXTEEN = {"I;16", "I;16B", "I;16L", "I;16N"}


def picture(mode: str) -> Image.Image:
    made = Image.new(mode, SIDES, TABLE[mode][0])
    if mode in {"P", "PA"}:
        made.putpalette(bytes(9) + bytes(COLOUR))
    if mode == "PA":
        made.putalpha(Image.new("L", SIDES, 255))
    if mode == "I":
        made.putpixel((0, 0), 0)
        made.putpixel((1, 0), 200_000)
    return made


def written(mode: str, form: str) -> bytes | None:
    """The file, or None if the format does not support the mode."""
    try:
        return encoded(Image.new(mode, SIDES), form)
    except (OSError, ValueError, KeyError):
        return None


@pytest.mark.parametrize(("mode", "form"), ROWS)
def test_a_mode_has_its_colour(mode, form, rendition):
    expected = TABLE[mode][1]
    made = opened(rendition(encoded(picture(mode), form)).body)
    pixel = made.convert("RGBA").getpixel((32, 21))
    assert close(pixel, (*expected, 255)[:4], 3)


@pytest.mark.parametrize("form", FORMATS)
def test_the_table_has_every_mode_that_the_format_stores(form):
    for mode in Image.MODES:
        if original := written(mode, form):
            stored = open_header(identify(original, len(original)), original, Limits()).mode
            if stored == mode or {stored, mode} <= SIXTEEN:
                assert (mode, form) in ROWS


def test_the_table_has_every_mode():
    assert {*TABLE} | NOT_STORED == {*Image.MODES}
