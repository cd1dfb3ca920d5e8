"""Originals that cannot be processed are refused early, with a stable code and a sentence."""

import io
import struct
import zipfile

import pytest
from PIL import Image

from services.resize.logic import Limits, Refusal, Spec, develop
from services.resize.pictures.header import BYTES_A_PIXEL, CHEAPER, OPENERS
from shared.errors import Fault, PermanentError
from tests.pictures import corners, encoded, hole, photo, png

SPECS = [Spec("one", 64)]
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIC"]


def refused(original, limits=None):
    """The refusal of an original; fails if it is not refused."""
    with pytest.raises(PermanentError) as caught:
        develop(original, SPECS, limits or Limits())
    return caught.value


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as content:
        content.writestr("photo.jpg", encoded(corners(), "JPEG"))
    return file.getvalue()


def damaged(form):
    """A file with a valid start and end and damage in the middle."""
    body = encoded(photo(300, 200), form)
    return body[:40] + bytes(len(body) - 80) + body[-40:]


OF_EACH_REASON = {
    "empty": b"",
    "too-many-bytes": encoded(photo(900, 900), "BMP"),
    "not-an-image": b"I am a text file, whatever my name says.",
    "unsupported-format": encoded(corners(), "JPEG2000"),
    "too-many-pixels": png(3000, 3000, 8, 0, []),
    "truncated": encoded(photo(300, 200), "JPEG")[:2000],
    "unsupported-variant": encoded(corners(), "TIFF").replace(
        struct.pack("<HHIHH", 259, 3, 1, 1, 0), struct.pack("<HHIHH", 259, 3, 1, 50001, 0)
    ),
    "corrupt": damaged("PNG"),
}


@pytest.mark.parametrize("reason", OF_EACH_REASON)
def test_each_reason_has_an_example(reason):
    error = refused(OF_EACH_REASON[reason], Limits(bytes=1_000_000, pixels=1_000_000))
    assert (error.reason, error.fault) == (reason, Fault.CLIENT)
    assert error.detail.endswith(".")
    assert "{" not in error.detail


def test_every_reason_has_an_example_or_a_test():
    tested_elsewhere = {"too-costly"}  # test_hostile_confined.py replaces them by such
    codes = {refusal.code for refusal in Refusal}
    assert codes == tested_elsewhere | set(OF_EACH_REASON)


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html><body>hello</body></html>",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        archive(),
        b"BM is how this text begins, and it is not a bitmap",
        b"\0" * 5000,
        b"GIF",
        b"\xff\xd8",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41",
    ],
    ids=["html", "pdf", "zip", "text", "zeros", "three bytes", "two bytes", "sound", "film"],
)
def test_other_files_are_not_an_image(content):
    assert refused(content).reason == "not-an-image"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"8BPS\0\1" + bytes(20), "Photoshop"),
        (encoded(corners(), "ICO"), "ICO"),
        (encoded(corners(), "JPEG2000"), "JPEG 2000"),
        (b"\xff\x0a" + bytes(20), "JPEG XL"),
        (encoded(corners(), "TIFF", tiffinfo={254: 1}), "raw"),
    ],
    ids=["psd", "ico", "jp2", "jxl", "raw"],
)
def test_an_unsupported_format_is_named(content, name):
    error = refused(content)
    assert error.reason == "unsupported-format"
    assert name in error.detail


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_incomplete_file_is_truncated(form, share):
    whole = encoded(photo(300, 200), form)
    assert refused(whole[: int(len(whole) * share)]).reason == "truncated"


def test_a_tiff_whose_directory_is_missing_is_truncated():
    header = b"II*\0" + struct.pack("<I", 50_000)
    assert refused(header + bytes(1000)).reason == "truncated"


@pytest.mark.parametrize("form", ["PNG", "GIF", "TIFF", "AVIF"])
def test_a_complete_but_damaged_file_is_corrupt(form):
    assert refused(damaged(form)).reason == "corrupt"


@pytest.mark.parametrize("form", FORMATS)
def test_one_pixel_too_many_is_refused_in_every_format(form):
    original = encoded(corners(120, 80), form)
    error = refused(original, Limits(pixels=9599))
    assert (error.reason, error.facts["width"], error.facts["height"]) == (
        "too-many-pixels",
        120,
        80,
    )
    assert develop(original, SPECS, Limits(pixels=9600)).width == 120


@pytest.mark.parametrize("form", FORMATS)
def test_memory_lowers_the_pixels_of_formats_that_need_more(form):
    original = encoded(corners(120, 80), form)
    enough = 9600 * CHEAPER.get((form, "RGB"), BYTES_A_PIXEL[form])
    assert refused(original, Limits(memory=enough - 1)).reason == "too-many-pixels"
    assert develop(original, SPECS, Limits(memory=enough)).width == 120


@pytest.mark.parametrize(
    ("form", "picture"),
    [
        ("JPEG", corners(120, 80).convert("CMYK")),
        ("WEBP", hole(120, 80)),
        ("HEIC", hole(120, 80)),
    ],
    ids=["CMYK", "WebP with transparency", "HEIC with transparency"],
)
def test_memory_lowers_the_pixels_of_modes_that_need_more(form, picture):
    original = encoded(picture, form)
    cost = CHEAPER.get((form, picture.mode), BYTES_A_PIXEL[form])
    assert cost > CHEAPER[form, "RGB"]
    assert refused(original, Limits(memory=9600 * cost - 1)).reason == "too-many-pixels"
    assert develop(original, SPECS, Limits(memory=9600 * cost)).width == 120


def test_every_supported_format_has_a_memory_cost():
    assert OPENERS.keys() == BYTES_A_PIXEL.keys()
    assert all(cost < BYTES_A_PIXEL[form] for (form, _), cost in CHEAPER.items())


@pytest.mark.parametrize(
    ("form", "mode", "size"),
    [("JPEG", "RGB", (12_000, 9000)), ("HEIC", "RGB", (16_128, 3904))],
    ids=["JPEG of 108 MP", "HEIC panorama of 63 MP"],
)
def test_the_largest_pictures_of_phones_are_within_the_default_limits(form, mode, size):
    limits = Limits()
    pixels = size[0] * size[1]
    assert pixels <= min(limits.pixels, limits.memory // CHEAPER[form, mode])


def test_a_picture_beyond_its_decoders_own_limit_has_too_many_pixels():
    small = encoded(corners(), "AVIF")
    at = small.index(b"ispe") + 8
    large = small[:at] + struct.pack(">II", 17_000, 17_000) + small[at + 8 :]
    error = refused(large)
    assert (error.reason, error.facts["width"]) == ("too-many-pixels", 17_000)


def test_a_bomb_is_refused_by_its_header_alone():
    bomb = png(60_000, 60_000, 1, 0, [bytes(7500)] * 100)
    assert refused(bomb).reason == "too-many-pixels"


def test_a_webp_canvas_beyond_pillows_limit_has_too_many_pixels():
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xfe\x3f\0\xfe\x3f\0"
    file = b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas
    assert refused(file + bytes(100)).reason == "too-many-pixels"


def test_the_limit_of_bytes_is_inclusive():
    original = encoded(corners(), "PNG")
    assert develop(original, SPECS, Limits(bytes=len(original))).format == "PNG"
    assert refused(original, Limits(bytes=len(original) - 1)).reason == "too-many-bytes"


def test_a_name_in_the_content_does_not_decide_the_format():
    assert develop(encoded(corners(), "PNG") + b"photo.jpg", SPECS, Limits()).format == "PNG"


def test_no_warning_is_shown(recwarn):
    directory = b"II*\0\x08\0\0\0" + struct.pack("<H", 200) + b"\xff" * 40
    refused(directory)
    develop(encoded(Image.new("P", (9, 9)), "PNG", transparency=b"\0\1"), SPECS, Limits())
    assert not recwarn.list
