"""What the original says of itself is read, and none of it is passed on."""

import pytest
from PIL import Image, PngImagePlugin

from services.resize.logic import Format, Spec
from services.resize.pictures.values import Capture
from tests.pictures import corners, encoded, exif, opened, rgb_profile

CAMERA = {"make": "NIKON CORPORATION", "model": "NIKON Z 6"}
TELLING = exif(**CAMERA, orientation=6, at="2024:05:01 12:30:45", offset="+02:00", located=True)
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
"""Words and marks, of which no rendition may contain one."""

SPECS = [Spec(form, 200, form) for form in (Format.JPEG, Format.WEBP, Format.PNG, Format.AVIF)]


def captured_logs(form, picture=None):
    """A file that tells all it can: camera, time, place, profile, XMP, comments."""
    picture = picture or corners(400, 300)
    options = {"exif": TELLING, "icc_profile": rgb_profile(), "xmp": XMP}
    if form == "PNG":
        words = PngImagePlugin.PngInfo()
        words.add_text("Comment", "secret")
        words.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options["pnginfo"] = words
    return encoded(picture, form, comment=b"secret", **options)


def captured(developed, **facts):
    return developed(encoded(corners(), "JPEG", exif=exif(**facts))).captured


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_nothing_of_the_original_but_its_pixels_is_in_a_rendition(form, developed):
    original = captured_logs(form)
    assert b"NIKON" in original
    picture = developed(original, *SPECS)
    for made in (*picture.renditions, picture.analysis):
        assert not [secret for secret in SECRETS if secret in made.body]
        assert not opened(made.body).getexif()
        assert not {"icc_profile", "xmp", "exif", "comment"} & set(opened(made.body).info)


def test_a_comment_and_a_gif_s_are_dropped(developed):
    original = encoded(corners().quantize(8), "GIF", comment=b"secret")
    assert b"secret" in original
    made = developed(original, *SPECS).renditions
    assert not [r.name for r in made if b"secret" in r.body]


def test_a_cmyk_profile_is_never_kept(developed):
    original = encoded(Image.new("CMYK", (90, 90)), "JPEG", icc_profile=rgb_profile())
    assert not [r for r in developed(original, *SPECS).renditions if b"acsp" in r.body]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_when_and_with_what_it_was_taken_is_told(form, developed):
    assert developed(captured_logs(form)).captured == Capture(
        "2024-05-01T12:30:45+02:00", "NIKON CORPORATION NIKON Z 6"
    )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_a_place_in_the_exif_is_noticed(form, developed):
    original = encoded(corners(), form, exif=exif(located=True))
    assert developed(original).gps_removed


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_place_in_the_xmp_alone_is_noticed(form, developed):
    words = PngImagePlugin.PngInfo()
    words.add_itxt("XML:com.adobe.xmp", XMP.decode())
    options = {"pnginfo": words} if form == "PNG" else {"xmp": XMP}
    assert developed(encoded(corners(), form, **options)).gps_removed


def test_no_place_means_that_none_was_removed(developed):
    assert not developed(encoded(corners(), "JPEG", exif=exif(**CAMERA))).gps_removed


def test_a_file_that_says_nothing_tells_nothing(developed):
    assert developed(encoded(corners(), "JPEG")).captured == Capture(None, None)


def test_a_time_without_an_offset_is_told_without_one(developed):
    assert captured(developed, at="2024:05:01 12:30:45").at == "2024-05-01T12:30:45"


@pytest.mark.parametrize("at", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", ""])
def test_a_clock_that_was_never_set_tells_no_time(at, developed):
    assert captured(developed, at=at).at is None


@pytest.mark.parametrize("offset", ["", "+2", "Z", "   :  "])
def test_an_offset_that_is_none_is_left_out(offset, developed):
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
def test_a_camera_is_named_as_a_person_would(make, model, camera, developed):
    assert captured(developed, make=make, model=model).camera == camera


@pytest.mark.parametrize("length", [6, 9, 14, 20, 40, 90])
def test_broken_exif_never_fails_a_picture(length, developed):
    original = encoded(corners(), "JPEG", exif=TELLING[:length] + b"\xff" * 30)
    assert max(opened(developed(original).renditions[0].body).size) == 64
