"""A gain map is reported, and the renditions show the picture without it."""

import struct
import time

import pytest
from PIL import Image

from services.resize.pictures.gain_map import has_gain_map
from tests.pictures import RED, close, encoded, exif, opened

RED_JPEG = encoded(Image.new("RGB", (120, 80), RED), "JPEG")
GREY_JPEG = encoded(Image.new("L", (60, 40), 90), "JPEG")

ADOBE_XMP = (
    b'<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
)
PARAMETERS = ADOBE_XMP + b' hdrgm:GainMapMax="3"/>'
DIRECTORY = ADOBE_XMP + b'><Container:Directory><Item:Semantic="GainMap"/></Container:Directory>'
APPLE_XMP = b'<apdi:AuxiliaryImageType="urn:com:apple:photo:2020:aux:hdrgainmap"/>'
DEPTH_XMP = b'<apdi:AuxiliaryImageType="urn:com:apple:photo:2018:aux:depthmap"/>'
ISO = b"urn:iso:std:iso:ts:21496:-1"


def segment(marker, content):
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def xmp(packet):
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def iso(parameters=b""):
    return segment(0xE2, ISO + b"\0" + bytes(4) + parameters)


def jpeg(original, *segments):
    """The JPEG with these segments at its start."""
    return original[:2] + b"".join(segments) + original[2:]


def multi_picture(first, *others, order=">", segments=()):
    """A JPEG with a list of its pictures, by CIPA DC-007."""
    sizes = [0, *(len(other) for other in others)]
    size = 4 + 8 + 2 + 12 + 4 + 16 * len(sizes)
    first = jpeg(first, *segments)
    offset, entries = len(first) + 4 + size - 2 - 4 - 4, b""
    for index, length in enumerate(sizes):
        entries += struct.pack(f"{order}IIIHH", 0, length, offset if index else 0, 0, 0)
        offset += length
    head = b"MM\0*" if order == ">" else b"II*\0"
    tag = struct.pack(f"{order}HHHII", 1, 0xB002, 7, len(entries), 8 + 2 + 12 + 4)
    listed = segment(0xE2, b"MPF\0" + head + struct.pack(f"{order}I", 8) + tag + bytes(4) + entries)
    return first[:2] + listed + first[2:] + b"".join(others)


def ultra_hdr(order=">"):
    return multi_picture(
        RED_JPEG, jpeg(GREY_JPEG, xmp(PARAMETERS)), order=order, segments=[xmp(DIRECTORY)]
    )


@pytest.mark.parametrize(
    "original",
    [
        ultra_hdr(),
        ultra_hdr("<"),
        multi_picture(RED_JPEG, jpeg(GREY_JPEG, iso(bytes(60))), segments=[iso()]),
        multi_picture(RED_JPEG, jpeg(GREY_JPEG, xmp(APPLE_XMP))),
        multi_picture(RED_JPEG, GREY_JPEG, jpeg(GREY_JPEG, xmp(PARAMETERS))),
        jpeg(RED_JPEG, xmp(DIRECTORY)) + jpeg(GREY_JPEG, xmp(PARAMETERS)),
        jpeg(RED_JPEG, iso()) + jpeg(GREY_JPEG, iso(bytes(60))),
    ],
    ids=[
        "Ultra HDR",
        "little-endian",
        "ISO 21496-1",
        "Apple",
        "third picture",
        "without a list",
        "ISO 21496-1 without a list",
    ],
)
def test_a_gain_map_of_a_jpeg_is_reported_and_not_shown(original, developed):
    result = developed(original)
    assert result.details.gain_map
    assert not result.details.hdr
    assert (result.width, result.height) == (120, 80)
    assert close(opened(result.renditions[0].body).getpixel((9, 9)), RED, 3)


@pytest.mark.parametrize(
    "original",
    [
        RED_JPEG,
        multi_picture(RED_JPEG, GREY_JPEG),
        multi_picture(RED_JPEG, jpeg(GREY_JPEG, xmp(DEPTH_XMP))),
        jpeg(RED_JPEG, xmp(DIRECTORY)),  # an editor removed the gain map
        jpeg(RED_JPEG, xmp(DIRECTORY), iso()) + b"\xff\xd8\xff\xd9",
        multi_picture(RED_JPEG, segments=[xmp(DIRECTORY)]),
        encoded(Image.new("RGB", (120, 80), RED), "JPEG", exif=exif(make="Maker")),
    ],
)
def test_a_jpeg_without_a_gain_map_is_not_said_to_have_one(original, developed):
    assert not developed(original).details.gain_map


def test_an_ordinary_file_with_two_pictures_has_no_gain_map(developed):
    picture = Image.new("RGB", (120, 80), RED)
    original = encoded(picture, "MPO", save_all=True, append_images=[picture])
    assert not developed(original).details.gain_map


def box(name, *content):
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, name) + body


def item(kind, number=2, *, wide=False):
    form = ">IH4s" if wide else ">HH4s"
    return box(
        b"infe", bytes((3 if wide else 2, 0, 0, 0)), struct.pack(form, number, 0, kind), b"\0"
    )


def auxiliary(kind):
    return box(b"auxC", bytes(4), kind, b"\0")


def heif(*items, properties=(), wide=False):
    count = struct.pack(">I" if wide else ">H", len(items))
    info = box(b"iinf", bytes((wide, 0, 0, 0)), count, *items)
    described = box(b"iprp", box(b"ipco", *properties))
    return box(b"ftyp", b"heic") + box(b"meta", bytes(4), info, described)


@pytest.mark.parametrize("kind", ["AVIF", "HEIC"])
@pytest.mark.parametrize(
    "original",
    [
        heif(item(b"hvc1"), item(b"tmap")),
        heif(item(b"hvc1"), item(b"tmap", wide=True), wide=True),
        heif(item(b"hvc1"), properties=[auxiliary(b"urn:com:apple:photo:2020:aux:hdrgainmap")]),
        heif(item(b"hvc1"), properties=[auxiliary(ISO)]),
    ],
    ids=["tone-mapped item", "with large numbers", "Apple", "ISO 21496-1"],
)
def test_a_gain_map_of_avif_and_heic_is_found(kind, original):
    assert has_gain_map(kind, original)


@pytest.mark.parametrize(
    "original",
    [
        b"",
        heif(item(b"hvc1"), item(b"grid"), item(b"Exif")),
        heif(properties=[auxiliary(b"urn:mpeg:hevc:2015:auxid:1")]),
        heif(properties=[auxiliary(b"urn:com:apple:photo:2018:aux:depth")]),
        heif(properties=[box(b"auxC")]),
        heif(item(b"hvc1"), item(b"tmap"))[:-40],
        box(b"meta", bytes(4), box(b"iinf")),
    ],
)
def test_other_auxiliary_pictures_and_damaged_boxes_are_no_gain_map(original):
    assert not has_gain_map("HEIC", original)


def test_a_gain_map_in_an_avif_is_reported_and_not_shown(developed):
    original = encoded(Image.new("RGB", (120, 80), RED), "AVIF")
    result = developed(with_tone_mapped_item(original))
    assert result.details.gain_map
    assert close(opened(result.renditions[0].body).getpixel((9, 9)), RED, 3)


def with_tone_mapped_item(original):
    """The AVIF with one more item in its list; what follows moves by the item's size."""
    extra, size = item(b"tmap"), len(item(b"tmap"))
    result = bytearray(original)
    for name in (b"meta", b"iinf"):
        at = original.index(name) - 4
        (length,) = struct.unpack_from(">I", original, at)
        struct.pack_into(">I", result, at, length + size)
        end = at + length
    count, data = original.index(b"iinf") + 8, original.index(b"mdat") + 4
    struct.pack_into(">H", result, count, 2)
    at = original.index(struct.pack(">I", data), original.index(b"iloc"))
    struct.pack_into(">I", result, at, data + size)
    return bytes(result[:end]) + extra + bytes(result[end:])


@pytest.mark.parametrize("entries", [0, 1, 0xFFFF, 0xFFFFFFFF])
def test_a_damaged_list_of_pictures_is_no_error(entries, developed):
    original = bytearray(multi_picture(RED_JPEG, GREY_JPEG))
    at = original.index(b"MPF\0") + 4
    for offset in (4, 8, 14, 18, 22 + 8):
        damaged = bytearray(original)
        struct.pack_into(">I", damaged, at + offset, entries)
        assert not developed(bytes(damaged)).details.gain_map


def test_the_search_for_gain_maps_is_bounded():
    """A list of a million pictures, each of which has a thousand segments without a gain map."""
    large = jpeg(GREY_JPEG, *[xmp(bytes(65_000))] * 1000)
    listed = struct.pack(">HHHII", 1, 0xB002, 7, 16 * 1_000_000, 26)
    head = segment(0xE2, b"MPF\0MM\0*" + struct.pack(">I", 8) + listed + bytes(4))
    first = jpeg(RED_JPEG, *[head] * 1000)
    base = 2 + 4 + 4
    entry = struct.pack(">IIIHH", 0, 0, len(first) - base, 0, 0)
    original = bytearray(first + large)
    at = base + 26
    original[at : at + 16 * 16] = entry * 16
    started = time.process_time()
    assert not has_gain_map("JPEG", bytes(original))
    assert time.process_time() - started < 1
