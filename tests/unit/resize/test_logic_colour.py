"""Every colour mode is converted to sRGB correctly."""

import struct
import zlib

import pytest
from PIL import Image

from services.resize.logic import Format
from tests.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    all_blue_ink_profile,
    close,
    encoded,
    grey_profile,
    hole,
    lab,
    opened,
    png,
    png_chunk,
    rgb_profile,
    swapped_profile,
    table_profile,
)

P3_COLUMNS = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
"""Full red, green and blue of Display P3 in XYZ, adapted to D50."""

SIDES = (120, 80)
ALPHA = ["PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIC"]


def plain(mode, value):
    return Image.new(mode, SIDES, value)


@pytest.fixture
def colour(rendition):
    """The colour in the middle of the rendition of a plain picture."""

    def run(original):
        return opened(rendition(original).body).convert("RGB").getpixel((32, 21))

    return run


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
def test_a_profile_is_applied_in_every_format_that_has_one(form, colour):
    original = encoded(plain("RGB", RED), form, icc_profile=swapped_profile())
    assert close(colour(original), GREEN)


def test_the_analysis_has_the_converted_colours(developed):
    original = encoded(plain("RGB", RED), "JPEG", icc_profile=swapped_profile())
    assert close(opened(developed(original).analysis.body).getpixel((9, 9)), GREEN)


def test_a_display_p3_colour_gets_its_stronger_srgb_value(colour):
    as_srgb = encoded(plain("RGB", (200, 100, 50)), "PNG")
    as_p3 = encoded(plain("RGB", (200, 100, 50)), "PNG", icc_profile=rgb_profile(P3_COLUMNS))
    assert close(colour(as_srgb), (200, 100, 50), 1)
    assert close(colour(as_p3), (216, 93, 24), 3)  # by the matrices, on paper


def test_a_profile_of_srgb_changes_nothing(colour):
    original = encoded(plain("RGB", (200, 100, 50)), "PNG", icc_profile=rgb_profile())
    assert close(colour(original), (200, 100, 50), 6)


def test_a_profile_does_not_change_transparency(rendition):
    original = encoded(hole(), "PNG", icc_profile=swapped_profile())
    made = opened(rendition(original).body)
    assert (made.getpixel((5, 20))[3], made.getpixel((60, 20))) == (0, (*GREEN, 255))


def test_the_colorimetric_table_of_a_profile_is_used(colour):
    perceptual = lab(0, 0, 0) + lab(50, 0, 0) * 7  # darker, as in the sRGB v4 ICC preference
    profile = table_profile(b"RGB ", perceptual, lab(0, 0, 0) + lab(100, 0, 0) * 7)
    assert colour(encoded(plain("RGB", WHITE), "PNG", icc_profile=profile)) == WHITE


def test_the_black_point_of_a_profile_becomes_black(colour):
    nodes = lab(20, 0, 0) + lab(100, 0, 0) * 7
    original = encoded(plain("RGB", 0), "PNG", icc_profile=table_profile(b"RGB ", nodes, nodes))
    assert colour(original) == (0, 0, 0)


@pytest.mark.parametrize("profile", [b"", b"broken", swapped_profile()[:200], grey_profile(1.0)])
def test_a_broken_or_unsuitable_profile_is_ignored(profile, colour):
    assert close(colour(encoded(plain("RGB", RED), "JPEG", icc_profile=profile)), RED)


def test_a_grey_profile_is_applied(colour):
    linear = encoded(plain("L", 128), "JPEG", icc_profile=grey_profile(1.0))
    assert close(colour(linear), (188, 188, 188), 3)


def test_a_grey_profile_leaves_the_picture_grey(rendition):
    original = encoded(plain("L", 128), "JPEG", icc_profile=grey_profile(1.0))
    assert opened(rendition(original, form=Format.JPEG).body).mode == "L"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_an_rgb_profile_is_applied_to_grey(form, colour):
    """As Chromium does; libvips ignores it."""
    original = encoded(plain("L", 128), form, icc_profile=rgb_profile(gamma=1.0))
    assert close(colour(original), (188, 188, 188), 3)


def test_a_cmyk_profile_is_not_applied_to_grey(colour):
    original = encoded(plain("L", 90), "PNG", icc_profile=all_blue_ink_profile())
    assert colour(original) == (90, 90, 90)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
@pytest.mark.parametrize("profile", [b"", b"broken", rgb_profile(), grey_profile(1.0)])
@pytest.mark.parametrize(
    ("inks", "shown"),  # by libvips 8.18
    [
        ((0, 0, 0, 0), WHITE),
        ((0, 255, 255, 0), (232, 31, 42)),
        ((255, 0, 0, 0), (0, 155, 228)),
        ((0, 0, 0, 255), (40, 35, 43)),
        ((102, 76, 76, 25), (141, 143, 147)),
    ],
)
def test_cmyk_without_a_valid_profile_is_shown_as_printed(inks, shown, profile, form, colour):
    original = encoded(plain("CMYK", inks), form, icc_profile=profile)
    assert close(colour(original), shown, 3)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_a_cmyk_profile_is_applied(form, colour):
    ink = encoded(plain("CMYK", (0, 255, 255, 0)), form, icc_profile=all_blue_ink_profile())
    red, green, blue = colour(ink)
    assert close((red, green, blue), (88, 0, 252))  # what Lab 31, 80, -108 is in sRGB


def test_16_bit_grey_is_scaled(colour):
    for form in ("PNG", "TIFF"):
        assert close(colour(encoded(plain("I;16", 128 * 257), form)), (128, 128, 128), 1)


def test_16_bit_colour_is_scaled(colour):
    row = struct.pack(">3H", 255 * 257, 128 * 257, 0) * SIDES[0]
    assert close(colour(png(*SIDES, 16, 2, [row] * SIDES[1])), (255, 128, 0), 1)


def test_16_bit_grey_with_transparency_is_scaled(rendition):
    row = struct.pack(">2H", 128 * 257, 64 * 257) * SIDES[0]
    made = opened(rendition(png(*SIDES, 16, 4, [row] * SIDES[1])).body)
    assert close(made.getpixel((30, 20)), (128, 128, 128, 64), 2)


@pytest.mark.parametrize(
    ("mode", "value", "other"), [("F", 0.5, 1.0), ("F", 500.0, -300.0), ("I", 70_000, 0)]
)
def test_32_bit_and_float_grey_spans_black_to_white(mode, value, other, rendition):
    picture = plain(mode, value)
    picture.paste(other, (0, 0, 60, 80))
    made = opened(rendition(encoded(picture, "TIFF")).body)
    left, right = {"F": (255, 128) if other == 1 else (0, 255), "I": (0, 255)}[mode]
    assert close((made.getpixel((5, 20)), made.getpixel((60, 20))), (left, right), 1)


def test_black_and_white_is_shrunk_through_grey(rendition):
    stripes = Image.frombytes("1", (128, 80), b"\xaa" * 16 * 80)
    made = opened(rendition(encoded(stripes, "PNG")).body)
    assert close(made.convert("RGB").getpixel((20, 20)), (128, 128, 128), 3)


def test_a_palette_is_resolved(colour):
    picture = plain("RGB", (10, 200, 90)).quantize(4)
    for form in ("PNG", "GIF", "TIFF", "BMP"):
        assert close(colour(encoded(picture, form)), (10, 200, 90), 3)


def test_lab_is_converted(colour):
    assert close(colour(encoded(plain("LAB", (136, 208, 195)), "TIFF")), RED, 15)


@pytest.mark.parametrize("form", ALPHA)
def test_transparency_is_preserved_in_formats_that_support_it(form, rendition):
    for wanted in (Format.PNG, Format.WEBP, Format.AVIF):
        alpha = opened(rendition(encoded(hole(), form), form=wanted).body).getchannel("A")
        assert (alpha.getpixel((5, 20)), alpha.getpixel((60, 20))) == (0, 255)


@pytest.mark.parametrize("form", ALPHA)
def test_transparent_pixels_are_white_in_jpeg(form, rendition):
    made = opened(rendition(encoded(hole(), form), form=Format.JPEG).body)
    assert close(made.getpixel((5, 20)), WHITE)
    assert close(made.getpixel((60, 20)), RED)


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P"])
def test_the_transparent_colour_of_a_png_is_transparent(mode, rendition):
    key = {"1": 1, "L": 255, "RGB": (255, 255, 255), "P": 0}[mode]
    picture = plain("L", 255).convert(mode)
    if mode == "P":
        picture = plain("P", 0)
    made = opened(rendition(encoded(picture, "PNG", transparency=key)).body)
    assert made.mode == "RGBA"
    assert made.getpixel((30, 20))[3] == 0


def test_hidden_colours_do_not_bleed_into_edges(rendition):
    picture = Image.new("RGBA", (121, 80), (*BLUE, 0))
    picture.paste((*RED, 255), (60, 0, 121, 80))
    made = opened(rendition(encoded(picture, "PNG")).body)
    edge = [made.getpixel((x, 20)) for x in range(made.width)]
    assert all(blue < 8 for _, _, blue, alpha in edge if alpha > 16)


def test_a_grey_original_gives_a_grey_rendition(rendition):
    assert opened(rendition(encoded(plain("L", 90), "JPEG"), form=Format.JPEG).body).mode == "L"


@pytest.mark.parametrize("depth", [4, 8])
def test_a_gamma_is_applied_once_to_grey_with_transparency(depth, rendition):
    """The gamma of 1 makes a grey of 20 % as bright as an sRGB grey of 48 %."""
    row = {4: bytes([0x3F]) * 16, 8: bytes([0x33, 0xFF]) * 16}[depth]
    chunks = (
        png_chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, depth, 0, 0, 0, 0)),
        png_chunk(b"gAMA", struct.pack(">I", 100_000)),
        png_chunk(b"tRNS", struct.pack(">H", (1 << depth) - 1)),
        png_chunk(b"IDAT", zlib.compress((b"\0" + row) * 32)),
        png_chunk(b"IEND", b""),
    )
    picture = opened(rendition(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).body)
    assert close(picture.getpixel((0, 0)), (124, 124, 124, 255), by=2)
    assert picture.getpixel((1, 0))[3] == 0
