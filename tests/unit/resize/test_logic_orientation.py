"""Pictures of every orientation become upright, in every format that has an orientation."""

import struct
import zlib

import pytest
from PIL import PngImagePlugin

from services.resize.logic import Format
from tests.pictures import (
    AS_STORED,
    CORNERS,
    close,
    corners,
    encoded,
    exif,
    exif_directory,
    opened,
    png_chunk,
    turned_by_boxes,
)

STORED, TURNED = "RGBW", "BRWG"
"""The corners of ``corners()``, and of the same with orientation 6."""

IN_CHROMIUM = {
    (None, None): "RGBW",
    (None, 0): "BWRG",
    (None, 1): "GRWB",
    (0, None): "RGBW",
    (0, 0): "BWRG",
    (0, 1): "GRWB",
    (1, None): "GWRB",
    (1, 0): "RBGW",
    (1, 1): "WGBR",
    (2, None): "WBGR",
    (2, 0): "GRWB",
    (2, 1): "BWRG",
    (3, None): "BRWG",
    (3, 0): "WGBR",
    (3, 1): "RBGW",
}
"""The corners that Chromium 150 shows of an AVIF with these irot and imir boxes.

``tests/web/test_orientation.py`` asks the installed Chromium.
"""

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""


def stored_by_camera(orientation, form):
    """``corners()`` as a camera in this orientation stores it."""
    turn = AS_STORED[orientation]
    stored = corners() if turn is None else corners().transpose(turn)
    if form == "TIFF":
        return encoded(stored, form, tiffinfo={0x0112: orientation})
    return encoded(stored, form, exif=exif(orientation=orientation))


@pytest.fixture
def seen(developed):
    """``seen(original)``: the initials of its corners' colours, of an upright picture."""

    def run(original):
        picture = developed(original)
        made = opened(picture.renditions[0].body).convert("RGB")
        width, height = made.size
        assert (picture.width > picture.height) == (width > height)
        places = [(x, y) for y in (5, height - 6) for x in (5, width - 6)]
        return "".join(map(initial, map(made.getpixel, places)))

    return run


def initial(colour):
    near = [name for name, corner in zip("RGBW", CORNERS, strict=True) if close(colour, corner, 30)]
    return near[0] if near else "?"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
@pytest.mark.parametrize("orientation", AS_STORED)
def test_all_eight_orientations_become_upright(orientation, form, developed):
    picture = developed(stored_by_camera(orientation, form))
    made = opened(picture.renditions[0].body).convert("RGB")
    assert (picture.width, picture.height, *made.size) == (120, 80, 64, 43)
    seen = [made.getpixel(place) for place in ((5, 5), (58, 5), (5, 37), (58, 37))]
    assert all(close(one, other, 30) for one, other in zip(seen, CORNERS, strict=True))


@pytest.mark.parametrize("form", ["AVIF", "HEIC"])
@pytest.mark.parametrize("boxes", IN_CHROMIUM, ids=str)
def test_rotation_and_mirroring_by_boxes_are_as_in_chromium(form, boxes, seen):
    assert seen(turned_by_boxes(form, *boxes)) == IN_CHROMIUM[boxes]


@pytest.mark.parametrize("form", ["AVIF", "HEIC"])
@pytest.mark.parametrize("orientation", AS_STORED)
def test_the_exif_orientation_of_a_picture_with_boxes_is_ignored(form, orientation, seen):
    unit, turn = (struct.pack(">HHIH", tag, 3, 1, orientation) for tag in (0x0128, 0x0112))
    exif_of_a_unit = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + unit + bytes(6)
    body = encoded(corners(), form, exif=exif_of_a_unit)  # the encoders turn orientations to boxes
    assert unit in body
    assert seen(body.replace(unit, turn)) == STORED


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_an_orientation_in_xmp_is_ignored(form, seen):
    options = {"xmp": XMP}
    if form == "PNG":
        options = {"pnginfo": PngImagePlugin.PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    if form == "TIFF":
        options = {"tiffinfo": {700: XMP}}
    body = encoded(corners(), form, **options)
    assert b'tiff:Orientation="6"' in body
    assert seen(body) == STORED


def test_an_orientation_in_the_xmp_of_a_heic_is_ignored(seen):
    upright = XMP.replace(b'"6"', b'"1"')
    body = encoded(corners(), "HEIC", xmp=upright)  # the encoder turns others to boxes
    assert upright in body
    assert seen(body.replace(upright, XMP)) == STORED


def test_the_exif_orientation_counts_even_if_xmp_has_another(seen):
    assert seen(encoded(corners(), "JPEG", exif=exif(orientation=3), xmp=XMP)) == "WBGR"


def test_the_first_of_two_exif_blocks_counts_as_in_chromium(seen):
    first, second = (exif_segment(orientation) for orientation in (6, 3))
    plain = encoded(corners(), "JPEG")
    assert seen(plain[:2] + first + second + plain[2:]) == TURNED


def exif_segment(orientation):
    body = b"Exif\0\0" + block(orientation=orientation)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


@pytest.mark.parametrize("kind", [1, 4, 8, 9])
def test_an_orientation_of_another_type_is_ignored_as_in_chromium(kind, seen):
    assert seen(encoded(corners(), "JPEG", exif=b"Exif\0\0" + block(kind))) == STORED


def test_a_list_of_orientations_is_ignored_as_in_chromium(seen):
    assert seen(encoded(corners(), "JPEG", exif=b"Exif\0\0" + block(3, values=2))) == STORED


def block(kind=3, values=1, orientation=6):
    """An EXIF block with nothing but an orientation."""
    return b"II*\0\x08\0\0\0" + exif_directory([(0x0112, kind, values, orientation)])


TEXT = b"\nexif\n%8d\n%s\n" % (len(block()), block().hex().encode())


@pytest.mark.parametrize(
    ("chunk", "before_the_pixels", "corners_seen"),
    [
        (png_chunk(b"eXIf", block()), True, TURNED),
        (png_chunk(b"eXIf", block()), False, STORED),
        (png_chunk(b"eXIf", b"Exif\0\0" + block()), True, STORED),
        (png_chunk(b"tEXt", b"Raw profile type exif\0" + TEXT), True, STORED),
        (
            png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(TEXT)),
            True,
            STORED,
        ),
    ],
    ids=["eXIf", "eXIf at the end", "eXIf with a prefix", "text", "compressed text"],
)
def test_only_a_pngs_exif_chunk_before_the_pixels_counts_as_in_chromium(
    chunk, before_the_pixels, corners_seen, seen
):
    plain = encoded(corners(), "PNG")
    at = 33 if before_the_pixels else -12
    assert seen(plain[:at] + chunk + plain[at:]) == corners_seen


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_the_exif_block_of_a_webp_counts_with_and_without_a_prefix(prefix, seen):
    removed_by_the_encoder = b"Exif\0\0"
    body = encoded(corners(), "WEBP", exif=removed_by_the_encoder + prefix + block())
    assert (b"Exif\0\0II" in body) == bool(prefix)
    assert seen(body) == TURNED


@pytest.mark.parametrize("orientation", AS_STORED)
def test_the_analysis_is_upright(orientation, developed):
    made = opened(developed(stored_by_camera(orientation, "JPEG")).analysis.body)
    assert made.size == (120, 80)
    assert close(made.getpixel((10, 10)), CORNERS[0], 30)


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_invalid_orientation_is_upright(orientation, rendition):
    file = encoded(corners(), "JPEG", exif=exif(orientation=orientation))
    assert close(opened(rendition(file).body).getpixel((5, 5)), CORNERS[0], 30)


def test_transparency_is_rotated_with_its_picture(rendition):
    stored = corners().convert("RGBA").transpose(AS_STORED[6])
    stored.putpixel((0, 0), (0, 0, 0, 0))
    made = rendition(encoded(stored, "PNG", exif=exif(orientation=6)), 120, Format.PNG)
    assert opened(made.body).getpixel((119, 0))[3] == 0
