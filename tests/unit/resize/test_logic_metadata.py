"""Metadata of the original is read, and none of it is in a rendition."""

import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from services.resize.logic import Format, Spec
from services.resize.pictures.values import Capture
from tests.pictures import corners, encoded, exif, exif_of, opened, png_chunk, rgb_profile

CAMERA = {"make": "NIKON CORPORATION", "model": "NIKON Z 6"}
ALL_EXIF = exif(**CAMERA, orientation=6, at="2024:05:01 12:30:45", offset="+02:00", located=True)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
    b' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
    b' xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="52,31.2N"/>'
    b"</rdf:RDF></x:xmpmeta>"
)
SECRETS = (
    b"NIKON",
    b"Exif",
    b"eXIf",
    b"EXIF",
    b"2024",
    b"xmpmeta",
    b"GPS",
    b"ICC",
    b"acsp",
    b"secret",
)
"""Byte sequences that no rendition may contain."""

SPECS = [Spec(form, 200, form) for form in (Format.JPEG, Format.WEBP, Format.PNG, Format.AVIF)]


def with_metadata(form, picture=None):
    """A file with all metadata: camera, time, position, profile, XMP, comments."""
    picture = picture or corners(400, 300)
    options = {"exif": ALL_EXIF, "icc_profile": rgb_profile(), "xmp": XMP}
    if form == "PNG":
        words = PngImagePlugin.PngInfo()
        words.add_text("Comment", "secret")
        words.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options["pnginfo"] = words
    return encoded(picture, form, comment=b"secret", **options)


DATES = {"exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate"}
NAMESPACES = (
    ' xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
)


def captured(developed, **facts):
    return developed(encoded(corners(), "JPEG", exif=exif(**facts))).captured


def packet(attributes="", elements=""):
    """An XMP packet with these properties."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
        f"{NAMESPACES} {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def with_xmp(form, xmp):
    """A picture with this XMP packet and no other metadata."""
    if form == "TIFF":
        return encoded(corners(), form, tiffinfo={700: xmp})
    if form != "PNG":
        return encoded(corners(), form, xmp=xmp)
    words = PngImagePlugin.PngInfo()
    words.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return encoded(corners(), form, pnginfo=words)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_a_rendition_has_no_metadata_of_the_original(form, developed):
    original = with_metadata(form)
    assert b"NIKON" in original
    picture = developed(original, *SPECS)
    for made in (*picture.renditions, picture.analysis):
        assert not [secret for secret in SECRETS if secret in made.body]
        assert not opened(made.body).getexif()
        assert not {"icc_profile", "xmp", "exif", "comment"} & set(opened(made.body).info)


def test_a_comment_of_a_gif_is_removed(developed):
    original = encoded(corners().quantize(8), "GIF", comment=b"secret")
    assert b"secret" in original
    made = developed(original, *SPECS).renditions
    assert not [r.name for r in made if b"secret" in r.body]


def test_a_cmyk_profile_is_removed(developed):
    original = encoded(Image.new("CMYK", (90, 90)), "JPEG", icc_profile=rgb_profile())
    assert not [r for r in developed(original, *SPECS).renditions if b"acsp" in r.body]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_time_and_camera_are_read(form, developed):
    assert developed(with_metadata(form)).captured == Capture(
        "2024-05-01T12:30:45+02:00", "NIKON CORPORATION NIKON Z 6"
    )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_a_position_in_the_exif_is_detected(form, developed):
    original = encoded(corners(), form, exif=exif(located=True))
    assert developed(original).gps_removed


UNKNOWN = TiffImagePlugin.IFDRational(0, 0)

WITH_XMP = pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])


@WITH_XMP
def test_a_position_in_the_xmp_alone_is_detected(form, developed):
    assert developed(with_xmp(form, XMP)).gps_removed


@pytest.mark.parametrize(
    "position",
    [
        {0: b"\2\3\0\0"},
        {0: b"\2\3\0\0", 29: "2024:05:01", 7: (12.0, 30.0, 0.0)},
        {1: "N", 2: (52.0, 31.0, 12.0)},
        {3: "E", 4: (13.0, 24.0, 18.0)},
        {1: "N", 2: (UNKNOWN, UNKNOWN, UNKNOWN), 3: "E", 4: (UNKNOWN, UNKNOWN, UNKNOWN)},
        {1: "N", 2: (), 3: "E", 4: ()},
    ],
    ids=["version", "time", "latitude", "longitude", "0/0", "empty"],
)
def test_a_gps_directory_without_latitude_and_longitude_is_no_position(position, developed):
    original = encoded(corners(), "JPEG", exif=exif_of({}, position=position))
    assert not developed(original).gps_removed


def test_a_position_on_the_equator_is_detected(developed):
    position = {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (6.0, 36.0, 0.0)}
    original = encoded(corners(), "JPEG", exif=exif_of({}, position=position))
    assert developed(original).gps_removed


def test_an_empty_latitude_in_xmp_is_no_position(developed):
    attributes = 'exif:GPSLatitude="" exif:GPSLatitudeRef="N"'
    assert not developed(with_xmp("JPEG", packet(attributes))).gps_removed


def test_without_a_position_none_is_reported(developed):
    assert not developed(encoded(corners(), "JPEG", exif=exif(**CAMERA))).gps_removed


def test_without_metadata_time_and_camera_are_none(developed):
    assert developed(encoded(corners(), "JPEG")).captured == Capture(None, None)


def test_a_time_without_an_offset_is_read(developed):
    assert captured(developed, at="2024:05:01 12:30:45").at == "2024-05-01T12:30:45"


@pytest.mark.parametrize("at", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", ""])
def test_an_unset_clock_gives_no_time(at, developed):
    assert captured(developed, at=at).at is None


@pytest.mark.parametrize(
    "offset",
    ["", "+2", "   :  ", "+99:99", "+15:00", "+14:01", "-14:30", "+02:60", "02:00", "CEST"],
)
def test_an_impossible_offset_is_omitted(offset, developed):
    assert captured(developed, at="2024:05:01 12:30:45", offset=offset).at == "2024-05-01T12:30:45"


@pytest.mark.parametrize(
    ("offset", "written"),
    [
        ("+02:00", "+02:00"),
        ("+0200", "+02:00"),
        ("+02", "+02:00"),
        ("-03:30", "-03:30"),
        ("-0330", "-03:30"),
        ("+14:00", "+14:00"),
        ("Z", "+00:00"),
        (" +02:00 \0", "+02:00"),
    ],
)
def test_an_offset_is_written_with_a_colon(offset, written, developed):
    at = captured(developed, at="2024:05:01 12:30:45", offset=offset).at
    assert at == f"2024-05-01T12:30:45{written}"


@pytest.mark.parametrize(
    ("at", "written"),
    [
        ("2024:05:01 12:30:45", ""),
        ("2024-05-01 12:30:45", ""),
        ("2024/05/01 12:30:45", ""),
        ("2024.05.01 12:30:45", ""),
        ("2024:5:1 12:30:45", ""),
        ("2024: 5: 1 12:30:45", ""),
        ("2024-05-01T12:30:45", ""),
        ("2024:05:01T12:30:45", ""),
        ("2024:05:01 12:30:45.678", ""),
        ("2024-05-01T12:30:45,6", ""),
        ("2024:05:01 12:30:45+02:00", "+02:00"),
        ("2024:05:01 12:30:45 +0200", "+02:00"),
        ("2024-05-01T12:30:45.123456-07:00", "-07:00"),
        ("2024-05-01T12:30:45Z", "+00:00"),
        ("2024-05-01t12:30:45.5z", "+00:00"),
        ("2024:05:01 12:30:45+99:99", ""),
    ],
)
def test_a_time_is_read_as_cameras_and_apps_write_it(at, written, developed):
    assert captured(developed, at=at).at == f"2024-05-01T12:30:45{written}"


def test_a_zone_in_the_time_counts_more_than_the_offset(developed):
    assert captured(developed, at="2024-05-01T12:30:45+02:00", offset="+05:00").at == (
        "2024-05-01T12:30:45+02:00"
    )


def test_an_impossible_zone_in_the_time_leaves_the_offset(developed):
    assert captured(developed, at="2024-05-01T12:30:45+99:00", offset="+05:00").at == (
        "2024-05-01T12:30:45+05:00"
    )


@pytest.mark.parametrize(
    "at",
    [
        "2024:13:01 12:30:45",
        "2024:02:30 12:30:45",
        "2024:05:01 25:30:45",
        "2024:05:01 12:61:45",
        "24:05:01 12:30:45",
        "2024:05:01",
        "12:30:45",
        "2024:05:01 12:30:45 or later",
        "1" * 5000,
    ],
)
def test_an_impossible_time_is_none(at, developed):
    assert captured(developed, at=at).at is None


def test_the_time_of_a_scan_replaces_a_missing_time_of_the_photo(developed):
    scanned = {0x9003: "0000:00:00 00:00:00", 0x9004: "2024:05:01 12:30:45", 0x9012: "+02:00"}
    original = encoded(corners(), "JPEG", exif=exif_of({}, scanned))
    assert developed(original).captured.at == "2024-05-01T12:30:45+02:00"


def test_the_time_of_the_last_change_is_not_the_photos(developed):
    original = encoded(corners(), "JPEG", exif=exif_of({0x0132: "2024:05:01 12:30:45"}))
    assert developed(original).captured.at is None


@pytest.mark.parametrize("name", sorted(DATES))
@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_time_in_an_attribute_of_the_xmp_is_read(name, quote, developed):
    xmp = packet(f"{name}={quote}2024-05-01T12:30:45.12+02:00{quote}")
    assert developed(with_xmp("JPEG", xmp)).captured.at == "2024-05-01T12:30:45+02:00"


@WITH_XMP
@pytest.mark.parametrize("name", sorted(DATES))
def test_a_time_in_an_element_of_the_xmp_is_read(form, name, developed):
    xmp = packet(elements=f"<{name}>2024-05-01T12:30</{name}>")
    assert developed(with_xmp(form, xmp)).captured.at == "2024-05-01T12:30:00"


def test_the_photos_time_in_the_xmp_counts_more_than_the_files(developed):
    xmp = packet('xmp:CreateDate="2025-01-01T00:00:00"') + packet(
        'exif:DateTimeOriginal="2024-05-01T12:30:45"'
    )
    assert developed(with_xmp("JPEG", xmp)).captured.at == "2024-05-01T12:30:45"


def test_the_time_in_the_exif_counts_more_than_in_the_xmp(developed):
    options = {"exif": exif(at="2024:05:01 12:30:45"), "xmp": packet('xmp:CreateDate="2025-01-01"')}
    assert developed(encoded(corners(), "JPEG", **options)).captured.at == "2024-05-01T12:30:45"


def test_entities_of_the_xmp_are_not_expanded(developed):
    bomb = b'<!DOCTYPE x [<!ENTITY a "2024-05-01T12:30:45">]>' + packet('xmp:CreateDate="&a;"')
    assert developed(with_xmp("JPEG", bomb)).captured.at is None


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("Apple", "iPhone 15", "Apple iPhone 15"),
        ("FUJI\0\n", "  X100V ", "FUJI X100V"),
        ("Leica", None, "Leica"),
        (None, "Pixel 8", "Pixel 8"),
        (None, "X" * 5000, "X" * 100),
        (" ", "\0", None),
    ],
)
def test_a_camera_is_named_by_make_and_model(make, model, camera, developed):
    assert captured(developed, make=make, model=model).camera == camera


def test_a_png_of_imagemagick_has_its_exif_data_as_text(developed):
    words = PngImagePlugin.PngInfo()
    digits = ALL_EXIF.hex()
    words.add_text("Raw profile type exif", f"\nexif\n{len(ALL_EXIF):8}\n{digits}\n", zip=True)
    picture = developed(encoded(corners(), "PNG", pnginfo=words))
    assert picture.captured == Capture("2024-05-01T12:30:45+02:00", "NIKON CORPORATION NIKON Z 6")
    assert picture.gps_removed


def test_a_png_may_have_its_exif_data_at_the_end(developed):
    plain = encoded(corners(), "PNG")
    original = plain[:-12] + png_chunk(b"eXIf", ALL_EXIF.removeprefix(b"Exif\0\0")) + plain[-12:]
    assert developed(original).captured.at == "2024-05-01T12:30:45+02:00"


def test_a_bigtiff_has_its_tags_and_its_orientation(developed):
    tags = {0x0110: "Z 6", 0x0112: 6}
    picture = developed(encoded(corners(), "TIFF", tiffinfo=tags, big_tiff=True))
    assert (picture.captured.camera, picture.width, picture.height) == ("Z 6", 80, 120)


@pytest.mark.parametrize(
    "name", ["icc_profile", "transparency", "interlace", "exif", "xmp", "gamma", "dpi", "duration"]
)
@pytest.mark.parametrize("at", [33, -12], ids=["before the pixels", "at the end"])
def test_a_text_of_a_png_does_not_change_its_pixels(name, at, developed):
    plain = encoded(corners(), "PNG")
    text = png_chunk(b"tEXt", name.encode() + b"\0some words")
    assert developed(plain[:at] + text + plain[at:]) == developed(plain)


@pytest.mark.parametrize("length", [6, 9, 14, 20, 40, 90])
def test_broken_exif_is_not_an_error(length, developed):
    original = encoded(corners(), "JPEG", exif=ALL_EXIF[:length] + b"\xff" * 30)
    assert max(opened(developed(original).renditions[0].body).size) == 64
