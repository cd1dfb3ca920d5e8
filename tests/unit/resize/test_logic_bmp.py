"""BMP's profiles, transparency and rare headers are as in browsers."""

import struct

import pytest
from PIL import Image

from shared.errors import PermanentError
from tests.pictures import close, encoded, opened, swapped_profile

MASKS = {"ABGR": (0xFF000000, 0xFF0000, 0xFF00, 0xFF), "BGRA": (0xFF0000, 0xFF00, 0xFF, 0xFF << 24)}
ORANGE = (200, 120, 40)
SIZE = 8


def bmp(pixel, bits=24, masks=(0, 0, 0, 0), profile=b""):
    """A BMP with a header of the fifth version, and all pixels equal."""
    pixels = pixel * SIZE * SIZE
    compression = 3 if any(masks) else 0
    info = struct.pack(
        "<IiiHHIIiiII4I", 124, SIZE, SIZE, 1, bits, compression, len(pixels), 0, 0, 0, 0, *masks
    )
    colours = b"DEBM" if profile else b"BGRs"
    at = 124 + len(pixels)
    info += colours + bytes(52) + struct.pack("<3I", at, len(profile), 0)
    start = 14 + len(info)
    return struct.pack("<2sIII", b"BM", start + len(pixels) + len(profile), 0, start) + (
        info + pixels + profile
    )


@pytest.fixture
def colour(rendition):
    return lambda original: opened(rendition(original).body).convert("RGBA").getpixel((4, 4))


def test_an_embedded_profile_is_applied(colour):
    blue_green_red = bytes(reversed(ORANGE))
    with_profile = bmp(blue_green_red, profile=swapped_profile())
    same = encoded(Image.new("RGB", (SIZE, SIZE), ORANGE), "PNG", icc_profile=swapped_profile())
    assert close(colour(with_profile), colour(same), by=1)
    assert not close(colour(with_profile), (*ORANGE, 255))


def test_without_a_profile_the_colours_are_srgb(colour):
    assert colour(bmp(bytes(reversed(ORANGE)))) == (*ORANGE, 255)


@pytest.mark.parametrize("offset", [124, 2**31])
def test_a_profile_outside_of_the_file_is_missing(offset, colour):
    original = bytearray(bmp(bytes(reversed(ORANGE)), profile=b"no profile"))
    struct.pack_into("<2I", original, 14 + 112, offset, 2**31)
    assert colour(bytes(original)) == (*ORANGE, 255)


@pytest.mark.parametrize("order", MASKS)
def test_alpha_of_zero_everywhere_is_opaque(order, colour):
    channels = dict(zip("RGB", ORANGE, strict=True)) | {"A": 0}
    pixel = bytes(channels[name] for name in order)
    assert colour(bmp(pixel, 32, MASKS[order])) == (*ORANGE, 255)


@pytest.mark.parametrize("order", MASKS)
def test_other_alpha_is_transparency(order, colour):
    channels = dict(zip("RGB", ORANGE, strict=True)) | {"A": 100}
    pixel = bytes(channels[name] for name in order)
    assert colour(bmp(pixel, 32, MASKS[order]))[3] == 100


def test_a_palette_of_more_than_256_colours_is_cut(colour):
    palette = bytes(4 * 7) + bytes((*reversed(ORANGE), 0)) + bytes(4 * 292)
    start = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, SIZE, SIZE, 1, 8, 0, SIZE * SIZE, 0, 0, 300, 0)
    pixels = b"\x07" * SIZE * SIZE
    head = struct.pack("<2sIII", b"BM", start + len(pixels), 0, start)
    assert colour(head + info + palette + pixels) == (*ORANGE, 255)


def test_a_short_header_of_os2_is_a_rare_variant(rendition):
    short = struct.pack("<2sIII", b"BM", 90, 0, 30) + struct.pack("<IiiHH", 16, 4, 4, 1, 24)
    with pytest.raises(PermanentError) as refused:
        rendition(short + bytes(48))
    assert refused.value.reason == "unsupported-variant"
