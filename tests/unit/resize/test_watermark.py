"""Watermarks: where they are, how large and how strong, and which pictures have none."""

import pytest
from PIL import Image, ImageChops

from services.resize.logic import Format, Limits, Spec, develop
from services.resize.pictures.values import Fill, Position, Watermark
from services.resize.pictures.watermark import missing_glyphs, watermarked
from tests.pictures import GREEN, RED, close, encoded, opened, photo

RED_SQUARE = encoded(Image.new("RGBA", (400, 400), (*RED, 255)), "PNG")
LOGO = Watermark(image=RED_SQUARE, opacity=1, min_side=100)
GREY = (90, 90, 90)


def changed(picture: Image.Image, watermark: Watermark) -> tuple[int, int, int, int]:
    """The box of the pixels that the watermark changes."""
    marked = watermarked(picture, watermark)
    assert marked.size == picture.size
    box = ImageChops.difference(marked.convert("RGB"), picture.convert("RGB")).getbbox()
    assert box
    return box


@pytest.mark.parametrize(
    ("position", "box"),
    [
        (Position.TOP_LEFT, (8, 8, 108, 108)),
        (Position.TOP_RIGHT, (492, 8, 592, 108)),
        (Position.BOTTOM_LEFT, (8, 292, 108, 392)),
        (Position.BOTTOM_RIGHT, (492, 292, 592, 392)),
        (Position.CENTER, (250, 150, 350, 250)),
    ],
)
def test_a_watermark_is_at_its_position_with_a_margin(position, box):
    watermark = Watermark(image=RED_SQUARE, position=position, opacity=1, min_side=100)
    assert changed(Image.new("RGB", (600, 400), GREY), watermark) == box


@pytest.mark.parametrize("size", [(600, 400), (400, 600), (1000, 110), (110, 110)])
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_a_watermark_takes_its_share_of_width_and_height_at_most(size, share):
    watermark = Watermark(image=RED_SQUARE, opacity=1, share=share, min_side=100)
    left, top, right, bottom = changed(Image.new("RGB", size, GREY), watermark)
    assert max((right - left) / size[0], (bottom - top) / size[1]) == pytest.approx(share, abs=0.01)
    assert right - left == bottom - top


def test_an_image_is_never_enlarged():
    tiny = Watermark(image=encoded(Image.new("RGB", (9, 7), RED), "PNG"), opacity=1)
    left, top, right, bottom = changed(Image.new("RGB", (2000, 1000), GREY), tiny)
    assert (right - left, bottom - top) == (9, 7)


@pytest.mark.parametrize(
    ("opacity", "expected"), [(1, RED), (0.5, (173, 45, 45)), (0.1, (107, 81, 81))]
)
def test_opacity_mixes_the_watermark_with_the_picture(opacity, expected):
    watermark = Watermark(image=RED_SQUARE, position=Position.CENTER, opacity=opacity)
    marked = watermarked(Image.new("RGB", (600, 400), GREY), watermark)
    assert close(marked.getpixel((300, 200)), expected)


@pytest.mark.parametrize("background", ["white", "black", "grey"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_text_is_visible_on_every_background(background, mode):
    picture = Image.new(mode, (600, 400), background)
    marked = watermarked(picture, Watermark(text="© Ann"))
    low, high = ImageChops.difference(marked.convert("L"), picture.convert("L")).getextrema()
    assert (low, high > 50) == (0, True)


def test_a_transparent_picture_stays_transparent_around_the_watermark():
    marked = watermarked(Image.new("RGBA", (600, 400)), LOGO)
    assert marked.getpixel((300, 200)) == (0, 0, 0, 0)
    assert marked.getpixel((580, 380)) == (*RED, 255)


def test_a_grey_picture_shows_the_colours_of_the_watermark():
    assert watermarked(Image.new("L", (600, 400), 90), LOGO).getpixel((580, 380)) == RED


@pytest.mark.parametrize("size", [(600, 99), (99, 600)])
def test_a_small_picture_has_no_watermark(size):
    picture = Image.new("RGB", size)
    assert watermarked(picture, LOGO) is picture
    assert watermarked(picture, None) is picture


def test_the_picture_itself_does_not_change():
    picture = Image.new("RGB", (600, 400), GREEN)
    watermarked(picture, LOGO)
    assert picture.getcolors() == [(240_000, GREEN)]


def test_only_its_renditions_have_the_watermark():
    original = encoded(photo(900, 600), "PNG")
    specs = [
        Spec("clean", 600, Format.PNG),
        Spec("marked", 600, Format.PNG, watermark=LOGO),
        Spec("square", 300, Format.PNG, fill=Fill.COVER, watermark=LOGO),
        Spec("small", 200, Format.PNG),
    ]
    made = develop(original, specs, Limits())
    clean = develop(original, [specs[0], specs[3]], Limits())
    assert made.renditions[0].body == clean.renditions[0].body
    assert made.analysis.body == clean.analysis.body
    assert made.fingerprint == clean.fingerprint
    assert close(opened(made.renditions[1].body).getpixel((580, 380)), RED)
    assert close(opened(made.renditions[2].body).getpixel((285, 285)), RED)


@pytest.mark.parametrize(
    ("text", "missing"), [("© Ann™ 2026, “all rights”", ""), ("Ünïcode Ü", "Üï"), ("猫", "猫")]
)
def test_characters_without_a_glyph_are_found(text, missing):
    assert missing_glyphs(text) == missing
