"""A valid file of an unusual kind is refused by name, and never called corrupt."""

import struct

import pytest

from services.resize.logic import Limits, Spec, develop
from shared.errors import PermanentError
from tests.corpus import lossless_jpeg
from tests.pictures import corners, encoded, png_chunk

SPECS = [Spec("one", 64)]
PIXELS = bytes(range(240)) * 40


def refused(original):
    with pytest.raises(PermanentError) as caught:
        develop(original, SPECS, Limits())
    return caught.value


def tiff(order="<", *, big=False, **changed):
    """A TIFF of 24 x 20 pixels with any tags: ``t259=50001``. None leaves a tag out."""
    tags = {"t256": 24, "t257": 20, "t258": 8, "t259": 1, "t262": 1, "t277": 1, "t278": 20}
    tags |= {"t279": len(PIXELS)} | changed
    values = {int(tag[1:]): value for tag, value in tags.items() if value is not None}
    values |= {} if changed.get("t273", 0) is None else {273: 16}
    body = b""
    for tag, value in sorted(values.items()):
        many = value if isinstance(value, tuple) else (value,)
        form, size = ("Q", 16) if big else ("I", 4)
        if len(many) > 1:
            packed = struct.pack(f"{order}{len(many)}H", *many).ljust(8 if big else 4, b"\0")
            assert len(packed) <= (8 if big else 4)
            body += struct.pack(f"{order}HH{form}", tag, 3, len(many)) + packed
        else:
            body += struct.pack(f"{order}HH{form}{form}", tag, 4 if not big else size, 1, many[0])
    mark = b"II" if order == "<" else b"MM"
    at = 16 + len(PIXELS)
    if big:
        head = mark + struct.pack(f"{order}HHHQ", 43, 8, 0, at)
        return head + PIXELS + struct.pack(f"{order}Q", len(values)) + body + bytes(8)
    head = (mark + struct.pack(f"{order}HI", 42, at)).ljust(16, b"\0")
    return head + PIXELS + struct.pack(f"{order}H", len(values)) + body + bytes(4)


ORDERS = pytest.mark.parametrize(
    ("order", "big"),
    [("<", False), (">", False), ("<", True)],
    ids=["little-endian", "big-endian", "BigTIFF"],
)


@ORDERS
def test_the_tiff_of_these_tests_is_decoded_without_changes(order, big):
    assert develop(tiff(order, big=big), SPECS, Limits()).width == 24


@ORDERS
@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"t259": 50001}, "compression 50001 (WebP)"),
        ({"t259": 50002}, "compression 50002 (JPEG XL)"),
        ({"t259": 34712}, "compression 34712 (JPEG 2000)"),
        ({"t259": 34887}, "compression 34887 (LERC)"),
        ({"t259": 34661}, "compression 34661 (JBIG)"),
        ({"t259": 4242}, "compression 4242 (unknown)"),
        ({"t262": 32803}, "colour filter array, 1 x 8 bits"),
        ({"t262": 34892, "t258": 14}, "linear raw, 1 x 14 bits"),
        ({"t262": 32845}, "LogLuv, 1 x 8 bits"),
        ({"t262": 9}, "ICCLAB, 1 x 8 bits"),
        ({"t258": 24, "t339": 3}, "1 x 24 bits, floating point"),
        ({"t258": 64, "t339": 3}, "1 x 64 bits, floating point"),
        ({"t258": 10}, "black is zero, 1 x 10 bits"),
        ({"t339": 6}, "1 x 8 bits, complex"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rare_tiff_is_named(order, big, changed, name):
    error = refused(tiff(order, big=big, **changed))
    assert error.reason == "unsupported-variant"
    assert name in error.detail


def test_a_bigtiff_in_big_endian_order_is_named():
    assert refused(tiff(">", big=True)).facts["variant"] == "BigTIFF in big-endian order"


@pytest.mark.parametrize("tag", ["t256", "t257", "t273"])
def test_a_tiff_without_a_necessary_tag_is_corrupt(tag):
    assert refused(tiff(**{tag: None})).reason == "corrupt"


def test_a_common_tiff_with_damaged_pixels_is_corrupt():
    assert refused(tiff(t259=8)).reason == "corrupt"


def jpeg(marker, *, bits=8, components=1, height=8):
    parts = b"".join(bytes((n + 1, 0x11, 0)) for n in range(components))
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 8 + len(parts), bits, height, 8, components)
    scan = bytes((components, *[1, 0] * components, 0, 63, 0))
    return (
        b"\xff\xd8\xff\xdb\0\x43\0"
        + b"\1" * 64
        + frame
        + parts
        + struct.pack(">BBH", 0xFF, 0xDA, len(scan) + 2)
        + scan
        + bytes(10)
        + b"\xff\xd9"
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (jpeg(0xC1, bits=12), "JPEG with 12 bits a sample"),
        (jpeg(0xC2, bits=12), "JPEG with 12 bits a sample"),
        (jpeg(0xC3, bits=16), "lossless JPEG with 16 bits a sample"),
        (lossless_jpeg(30, 20).replace(b"\xff\xc3\0\x0b\x08", b"\xff\xc3\0\x0b\x0c"), "12 bits"),
        (jpeg(0xC5), "hierarchical JPEG"),
        (jpeg(0xDE), "hierarchical JPEG"),
        (jpeg(0xCF), "hierarchical JPEG"),
        (jpeg(0xCB), "lossless JPEG with arithmetic coding"),
        (jpeg(0xC0, components=2), "JPEG with 2 components"),
        (jpeg(0xC0, height=0), "height follows its pixels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rare_jpeg_is_named(file, name):
    error = refused(file)
    assert error.reason == "unsupported-variant"
    assert name in error.detail


def bmp(header=40, bits=24, compression=0, masks=b""):
    head = struct.pack("<IiiHHIIiiII", header, 8, 8, 1, bits, compression, 999, 0, 0, 0, 0)
    body = head.ljust(header, b"\0") + masks + bytes(2000)
    return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, 14 + header + len(masks)) + body


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (bmp(bits=0, compression=4), "BMP with an embedded JPEG"),
        (bmp(bits=0, compression=5), "BMP with an embedded PNG"),
        (bmp(header=64, bits=1, compression=3), "OS/2's Huffman coding"),
        (bmp(header=64, bits=24, compression=4), "OS/2's RLE of 24 bits"),
        (bmp(bits=32, compression=11), "BMP with CMYK"),
        (bmp(bits=2), "BMP with 2 bits a pixel"),
        (bmp(bits=64), "BMP with 64 bits a pixel"),
        (
            bmp(bits=16, compression=3, masks=struct.pack("<3I", 0xF00, 0xF0, 0xF)),
            "16 bits a pixel in the masks f00, f0, f",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rare_bmp_is_named(file, name):
    error = refused(file)
    assert error.reason == "unsupported-variant"
    assert name in error.detail


def test_a_png_of_an_ios_app_is_named():
    whole = encoded(corners(), "PNG")
    at = whole.index(b"IDAT") + 4
    file = (
        whole[:8] + png_chunk(b"CgBI", b"\x50\0\x20\2") + whole[8:at] + bytes(9) + whole[at + 9 :]
    )
    error = refused(file)
    assert (error.reason, error.facts["variant"]) == (
        "unsupported-variant",
        "PNG of an iOS app (CgBI)",
    )


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        (b"avc1", "AVC"),
        (b"jpeg", "JPEG"),
        (b"j2k1", "JPEG 2000"),
        (b"vvc1", "VVC"),
        (b"unci", "unc"),
    ],
)
def test_a_heif_with_another_codec_is_named(codec, name):
    whole = encoded(corners(), "HEIC")
    file = whole.replace(b"hvc1", codec)
    error = refused(file)
    assert error.reason == "unsupported-variant"
    assert f"HEIF with {name}" in error.detail


@pytest.mark.parametrize("brand", [b"avci", b"jpeg", b"j2ki", b"vvic"])
def test_a_heif_of_another_brand_is_an_unsupported_format(brand):
    error = refused(encoded(corners(), "HEIC").replace(b"ftypheic", b"ftyp" + brand))
    assert (error.reason, error.facts["format"]) == (
        "unsupported-format",
        "HEIF with another codec",
    )
