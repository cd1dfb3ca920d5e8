"""Metadata of the original is read, and none of it is in a rendition."""

import pytest
from PIL import Image, PngImagePlugin

from services.resize.logic import Format, Spec
from services.resize.pictures.values import Capture
from tests.pictures import corners, encoded, exif, opened, rgb_profile

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


def captured(developed, **facts):
    return developed(encoded(corners(), "JPEG", exif=exif(**facts))).captured


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


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_position_in_the_xmp_alone_is_detected(form, developed):
    words = PngImagePlugin.PngInfo()
    words.add_itxt("XML:com.adobe.xmp", XMP.decode())
    options = {"pnginfo": words} if form == "PNG" else {"xmp": XMP}
    assert developed(encoded(corners(), form, **options)).gps_removed


def test_without_a_position_none_is_reported(developed):
    assert not developed(encoded(corners(), "JPEG", exif=exif(**CAMERA))).gps_removed


def test_without_metadata_time_and_camera_are_none(developed):
    assert developed(encoded(corners(), "JPEG")).captured == Capture(None, None)


def test_a_time_without_an_offset_is_read(developed):
    assert captured(developed, at="2024:05:01 12:30:45").at == "2024-05-01T12:30:45"


@pytest.mark.parametrize("at", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", ""])
def test_an_unset_clock_gives_no_time(at, developed):
    assert captured(developed, at=at).at is None


@pytest.mark.parametrize("offset", ["", "+2", "Z", "   :  "])
def test_an_invalid_offset_is_omitted(offset, developed):
    assert captured(developed, at="2024:05:01 12:30:45", offset=offset).at == "2024-05-01T12:30:45"


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


@pytest.mark.parametrize("length", [6, 9, 14, 20, 40, 90])
def test_broken_exif_is_not_an_error(length, developed):
    original = encoded(corners(), "JPEG", exif=ALL_EXIF[:length] + b"\xff" * 30)
    assert max(opened(developed(original).renditions[0].body).size) == 64
