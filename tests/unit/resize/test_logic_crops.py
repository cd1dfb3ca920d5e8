"""Renditions that cover a box: their size, the part that they show, and what they do not change."""

import pytest
from PIL import Image, ImageDraw

from services.resize.logic import Format, Limits, Spec, develop
from services.resize.pictures.attention import attention
from services.resize.pictures.values import Fill, FocalPoint
from tests.pictures import (
    AS_STORED,
    BLUE,
    CORNERS,
    GREEN,
    RED,
    WHITE,
    close,
    corners,
    encoded,
    exif,
    opened,
    photo,
    unlikeness,
)

SQUARE = Spec("square", 64, Format.PNG, fill=Fill.COVER)
SKIN = (224, 172, 140)
FOCAL_POINTS = [FocalPoint(x=x, y=y) for y in (0.1, 0.9) for x in (0.1, 0.9)]


def cover(original: bytes, width: int, height: int, focal: FocalPoint | None = None) -> Image.Image:
    """The one rendition that covers this box."""
    spec = Spec("cover", width, Format.PNG, height=height, fill=Fill.COVER)
    (made,) = develop(original, [spec], Limits(), focal=focal).renditions
    assert opened(made.body).size == (made.width, made.height)
    return opened(made.body).convert("RGB")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIC"])
@pytest.mark.parametrize("box", [(64, 64), (200, 60), (60, 200), (300, 200)])
def test_a_rendition_has_exactly_the_size_of_its_box(form, box):
    assert cover(encoded(photo(600, 400), form), *box).size == box


@pytest.mark.parametrize(
    ("box", "size"), [((512, 512), (80, 80)), ((400, 100), (120, 30)), ((10, 1000), (1, 80))]
)
def test_a_picture_below_the_box_gives_its_largest_part_of_the_same_proportions(box, size):
    assert cover(encoded(corners(120, 80), "PNG"), *box).size == size


def test_a_crop_is_a_part_of_the_resized_picture():
    original = photo(900, 600)
    whole = original.resize((150, 100), Image.Resampling.LANCZOS)
    made = cover(encoded(original, "PNG"), 100, 100, FocalPoint(x=0, y=0.5))
    assert unlikeness(made, whole.crop((0, 0, 100, 100))) < 2.5


@pytest.mark.parametrize(
    ("focal", "colour"), list(zip(FOCAL_POINTS, CORNERS, strict=True)), ids=str
)
def test_a_crop_shows_the_focal_point(focal, colour):
    original = encoded(corners(1200, 800), "PNG")
    wide = cover(original, 300, 20, focal)
    tall = cover(original, 20, 200, focal)
    x = 2 if focal.x < 0.5 else 297
    assert close(wide.getpixel((x, 10)), colour)
    y = 2 if focal.y < 0.5 else 197
    assert close(tall.getpixel((10, y)), colour)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_focal_point_is_in_the_upright_picture(orientation, form):
    """The file of each orientation shows the same upright picture."""
    upright = corners(480, 320)
    stored = upright.transpose(AS_STORED[orientation]) if orientation > 1 else upright
    original = encoded(stored, form, exif=exif(orientation=orientation), quality=95)
    made = cover(original, 20, 200, FocalPoint(x=0.9, y=0.5))
    assert made.size == (20, 200)
    assert close(made.getpixel((10, 10)), GREEN, 12)
    assert close(made.getpixel((10, 190)), WHITE, 12)


def test_crops_do_not_change_the_other_renditions_and_results():
    original = encoded(photo(900, 600), "PNG")
    plain = Spec("small", 100, Format.PNG)
    alone = develop(original, [plain], Limits())
    beside = develop(original, [SQUARE, plain], Limits(), focal=FocalPoint(x=1, y=1))
    assert beside.fingerprint == alone.fingerprint
    assert beside.analysis.body == alone.analysis.body
    assert unlikeness(opened(beside.renditions[1].body), opened(alone.renditions[0].body)) < 1
    only_crop = develop(original, [SQUARE], Limits(), focal=FocalPoint(x=1, y=1))
    assert only_crop.placeholder.average_colour[:2] == alone.placeholder.average_colour[:2]
    assert only_crop.fingerprint == alone.fingerprint


def test_all_crops_show_the_same_point_without_a_focal_point(monkeypatch):
    measured = []

    def measure(image):
        measured.append(image.size)
        return FocalPoint(x=0.9, y=0.1)

    monkeypatch.setattr("services.resize.pictures.cascade.attention", measure)
    specs = [Spec(str(s), s, Format.PNG, height=4 * s, fill=Fill.COVER) for s in (40, 10)]
    made = develop(encoded(corners(480, 320), "PNG"), specs, Limits()).renditions
    assert len(measured) == 1
    assert all(close(opened(r.body).convert("RGB").getpixel((5, 2)), GREEN) for r in made)


def test_without_crops_attention_is_not_measured(monkeypatch, developed):
    monkeypatch.setattr("services.resize.pictures.cascade.attention", None)
    assert developed(encoded(corners(), "PNG")).renditions


def landscape(width: int, height: int) -> Image.Image:
    """A blue sky over a dull ground."""
    picture = Image.new("RGB", (width, height), (150, 170, 190))
    picture.paste((100, 105, 90), (0, height * 6 // 10, width, height))
    return picture


def with_disc(
    picture: Image.Image, x: float, y: float, colour: tuple[int, int, int]
) -> Image.Image:
    """The picture with a disc of a tenth of its width around this point, given as ratios."""
    marked = picture.copy()
    left, top, radius = x * picture.width, y * picture.height, picture.width / 20
    box = (left - radius, top - radius, left + radius, top + radius)
    ImageDraw.Draw(marked).ellipse(box, fill=colour)
    return marked


@pytest.mark.parametrize("size", [(683, 512), (400, 600), (2048, 1200), (64, 48)])
@pytest.mark.parametrize(
    "colour", [SKIN, RED, (90, 56, 40)], ids=["light skin", "red", "dark skin"]
)
@pytest.mark.parametrize(("x", "y"), [(0.2, 0.3), (0.8, 0.4), (0.5, 0.8)])
def test_attention_finds_skin_and_saturated_colours(size, colour, x, y):
    found = attention(with_disc(landscape(*size), x, y, colour))
    assert (found.x, found.y) == (pytest.approx(x, abs=0.1), pytest.approx(y, abs=0.1))


def test_attention_prefers_skin_to_other_colours():
    picture = with_disc(with_disc(landscape(600, 400), 0.2, 0.3, BLUE), 0.8, 0.4, SKIN)
    assert attention(picture).x == pytest.approx(0.8, abs=0.1)


def test_attention_finds_detail_in_greys():
    picture = Image.new("L", (600, 400), 128)
    picture.paste(photo(90, 90).convert("L"), (450, 60))
    found = attention(picture)
    assert (found.x, found.y) == (pytest.approx(0.83, abs=0.1), pytest.approx(0.26, abs=0.1))


def test_attention_ignores_the_colours_of_transparent_pixels():
    picture = with_disc(landscape(600, 400), 0.8, 0.4, SKIN).convert("RGBA")
    picture.paste((255, 0, 0, 0), (0, 0, 300, 400))
    assert attention(picture).x > 0.5


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(600, 400), (1, 1), (1, 900), (5000, 3)])
def test_the_centre_is_the_focal_point_of_one_colour(mode, size):
    found = attention(Image.new(mode, size))
    assert abs(found.x - 0.5) * min(size[0], 32) <= 0.5
    assert abs(found.y - 0.5) * min(size[1], 32) <= 0.5
