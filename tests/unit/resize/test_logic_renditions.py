"""Renditions are similar to the original, match their specs, and take limited memory."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageOps, JpegImagePlugin

from services.resize.logic import Format, Limits, Spec, develop
from services.resize.pictures import cascade, decode, scale
from services.resize.pictures.values import Size
from tests.pictures import RED, close, corners, encoded, hole, noise, opened, photo, unlikeness

DECODED = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIC"]
FAST = {"preset": "ultrafast"}
WRITTEN = [Format.JPEG, Format.WEBP, Format.PNG, Format.AVIF]

FIRST_JOB = """
import sys
from pathlib import Path
from services.resize.logic import Limits, Spec, develop
with open(sys.argv[1], "rb") as file:
    original = file.read()
develop(original, [Spec("thumbnail", 256), Spec("preview", 1024), Spec("web", 2048)], Limits())
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def naive(original, side):
    """The reference: a simple implementation without optimizations."""
    picture = ImageOps.exif_transpose(opened(original)).convert("RGB")
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=None)
    return picture


@pytest.mark.parametrize("form", DECODED)
def test_every_format_is_identified_by_its_content(form, developed):
    picture = developed(encoded(corners(), form))
    assert (picture.format, picture.width, picture.height) == (form, 120, 80)
    assert close(opened(picture.renditions[0].body).convert("RGB").getpixel((5, 5)), RED)


@pytest.mark.parametrize("form", WRITTEN)
def test_a_renditions_fields_match_its_file(form, rendition):
    made = rendition(encoded(photo(300, 200), "JPEG"), 100, form)
    picture = opened(made.body)
    assert (picture.format, picture.size) == (made.format, (made.width, made.height))
    assert made.content_type == f"image/{form.lower()}" == Image.MIME[picture.format]


@pytest.mark.parametrize("size", [(1500, 1000), (1000, 1501), (777, 333), (300, 200)])
@pytest.mark.parametrize("side", [256, 700])
def test_a_rendition_is_similar_to_plain_lanczos(size, side, rendition):
    original = encoded(photo(*size), "JPEG", quality=92)
    made = opened(rendition(original, side).body)
    assert unlikeness(made, naive(original, side)) < 2.5


@pytest.mark.slow
def test_the_last_of_a_cascade_is_similar_to_a_direct_rendition(developed, rendition):
    original = encoded(photo(2400, 1600), "JPEG")
    specs = [Spec(str(side), side, Format.PNG) for side in (2000, 1100, 600, 300, 150)]
    cascaded = developed(original, *specs).renditions[-1]
    assert unlikeness(opened(cascaded.body), opened(rendition(original, 150).body)) < 2.5


def test_renditions_have_the_order_of_the_specs(developed):
    specs = [Spec("b", 50), Spec("c", 200), Spec("a", 100)]
    made = developed(encoded(photo(300, 200), "PNG"), *specs).renditions
    assert [(r.name, r.width, r.height) for r in made] == [
        ("b", 50, 33),
        ("c", 200, 133),
        ("a", 100, 67),
    ]


def test_a_small_original_is_never_enlarged(developed):
    made = developed(encoded(corners(120, 80), "PNG"), Spec("web", 2048), Spec("preview", 1024))
    assert [(r.width, r.height) for r in made.renditions] == [(120, 80)] * 2


def test_without_specs_there_is_still_an_analysis(limits):
    made = develop(encoded(corners(), "PNG"), [], limits)
    assert (made.renditions, made.analysis.name) == ((), "analysis")


def test_auto_is_webp_with_transparency(rendition):
    made = rendition(encoded(hole(), "PNG"), form=Format.AUTO)
    assert made.format is Format.WEBP
    assert opened(made.body).getchannel("A").getextrema() == (0, 255)


@pytest.mark.parametrize("picture", [corners(), corners().convert("RGBA")], ids=["RGB", "RGBA"])
def test_auto_is_jpeg_without_transparency(picture, rendition):
    assert rendition(encoded(picture, "PNG"), form=Format.AUTO).format is Format.JPEG


def test_a_lower_quality_is_a_smaller_file(rendition):
    original = encoded(photo(300, 200), "PNG")
    for form in (Format.JPEG, Format.WEBP, Format.AVIF):
        low, high = (len(rendition(original, 300, form, q).body) for q in (30, 95))
        assert low < high / 2


@pytest.fixture
def resampled(monkeypatch):
    """The sizes of all resampled pictures in order; the first is the decoded size."""
    sizes = []

    def resize(image, size, *, release_source=False):
        sizes.append(image.size)
        return scale.resize(image, size, release_source=release_source)

    for module in (decode, cascade):
        monkeypatch.setattr(module, "resize", resize)
    monkeypatch.setattr(
        decode, "is_plain", lambda *_: True
    )  # in a child nobody would see the sizes
    return sizes


@pytest.mark.parametrize(
    ("side", "part"), [(2048, 1), (710, 1), (700, 2), (350, 4), (170, 8), (100, 8)]
)
def test_a_jpeg_is_decoded_at_the_size_of_its_largest_rendition(side, part, resampled):
    analysis = Spec("analysis", min(side, 1600))
    develop(encoded(photo(2400, 1600), "JPEG"), [Spec("one", side)], Limits(), analysis)
    assert resampled[0] == (2400 // part, 1600 // part)


def test_an_embedded_thumbnail_is_not_used(resampled):
    original = encoded(corners(1600, 1200), "HEIC", thumbnails=[400], enc_params=FAST)
    develop(original, [Spec("one", 64)], Limits(), Spec("analysis", 100))
    assert b"thmb" in original
    assert resampled[0] == (1600, 1200)


@pytest.mark.skipif(scale.cykooz_resizer is None, reason="the SIMD resizer is not installed")
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_both_resamplers_give_similar_pictures(mode, monkeypatch):
    picture = photo(900, 600).convert(mode)
    fast = scale.resize(picture, Size(301, 200))
    monkeypatch.setattr(scale, "_simd", None)
    assert unlikeness(fast, scale.resize(picture, Size(301, 200))) < 1.5


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_picture_of_48_megapixels_takes_limited_memory(tmp_path):
    photo_48 = tmp_path / "48.jpg"
    Image.merge("RGB", [Image.linear_gradient("L").resize((8064, 6048))] * 3).save(photo_48)
    child = [sys.executable, "-c", FIRST_JOB, str(photo_48)]
    peak = subprocess.run(child, check=True, capture_output=True, text=True, timeout=120).stdout
    assert int(peak) / 1024 < 160, "MiB; 105 to 120 are usual, and 250 without draft decoding"


def test_the_analysis_is_a_jpeg_of_1600_pixels(developed):
    made = developed(encoded(photo(2000, 1000), "WEBP")).analysis
    assert (made.name, made.format, made.width, made.height) == ("analysis", Format.JPEG, 1600, 800)
    assert opened(made.body).format == "JPEG"


def test_the_analysis_of_a_small_picture_is_enlarged_to_80_pixels(developed):
    made = developed(encoded(corners(60, 40), "PNG")).analysis
    picture = opened(made.body)
    assert picture.size == (120, 80)
    assert unlikeness(picture, corners(60, 40).resize((120, 80))) < 12


@pytest.mark.parametrize(("size", "canvas"), [((1, 65_000), (80, 1600)), ((3000, 9), (1600, 80))])
def test_the_analysis_of_a_line_is_at_the_top_left_of_a_grey_canvas(size, canvas, developed):
    made = opened(developed(encoded(Image.new("RGB", size, RED), "PNG")).analysis.body)
    assert made.size == canvas
    assert close(made.getpixel((79, 79)), (128, 128, 128))
    assert made.convert("RGB").getpixel((0, 0))[0] > 150


def test_the_analysis_shows_transparency_as_white(developed):
    picture = opened(developed(encoded(hole(), "PNG")).analysis.body)
    assert close(picture.getpixel((5, 40)), (255, 255, 255))
    assert close(picture.getpixel((110, 40)), RED)


@pytest.mark.slow
def test_the_analysis_of_noise_is_reduced_to_5_mb(limits):
    wanted = Spec("analysis", 3000, Format.JPEG, 100)
    made = develop(encoded(noise(3000, 2400), "PNG", compress_level=0), [], limits, wanted).analysis
    assert len(made.body) <= 5_000_000
    assert 80 <= made.height < made.width < 3000


def test_a_multi_picture_file_of_a_phone_is_a_jpeg(developed):
    file = encoded(corners(), "MPO", save_all=True, append_images=[noise(60, 40)])
    assert developed(file).format == "JPEG"


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_the_first_of_several_frames_is_processed(form, developed):
    frames = [Image.new("RGB", (120, 80), colour) for colour in ("blue", "lime")]
    file = encoded(corners(), form, save_all=True, append_images=frames)
    assert close(opened(developed(file).renditions[0].body).convert("RGB").getpixel((5, 5)), RED)


def test_a_jpeg_rendition_is_baseline(rendition):
    body = rendition(encoded(photo(300, 200), "JPEG", progressive=True), form=Format.JPEG).body
    assert isinstance(opened(body), JpegImagePlugin.JpegImageFile)
    assert "progressive" not in opened(body).info
