"""With ``metadata=copyright``, renditions have the creator, copyright and credit, and no more."""

import struct
from xml.etree import ElementTree as ET

import pytest
from PIL import PngImagePlugin

from services.resize.logic import Format, Limits, MetadataPolicy, Spec, develop
from services.resize.pictures.credit import exif_of as exif_of_credit
from services.resize.pictures.exif import read_exif
from services.resize.pictures.values import Credit
from tests.pictures import corners, encoded, exif, exif_of, hole, opened

NAME, RIGHTS, LINE = "Zoë Müller", "© 2024 Zoë <Müller> & Söhne", "Agentur „Blick“"
SPECS = [Spec(form, 64, form) for form in (Format.JPEG, Format.WEBP, Format.PNG, Format.AVIF)]
EVERY_RENDITION = pytest.mark.parametrize("form", [spec.format for spec in SPECS])

SECRETS = (b"NIKON", b"2024:05:01", b"GPS", b"history", b"Berlin", b"caption", b"thumbnail")
"""Byte sequences of other metadata in the originals."""

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" photoshop:City="Berlin" {}
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 exif:GPSLatitude="52,31.2N">{}<photoshop:history>history</photoshop:history>
 </rdf:Description></rdf:RDF></x:xmpmeta>"""
RIGHTS_IN_XML = "© 2024 Zo&#xEB; &lt;M&#252;ller&gt; &amp; Söhne"
LISTS = (
    f"<dc:creator>\n <rdf:Seq>\n <rdf:li>{NAME}</rdf:li><rdf:li>Second</rdf:li>"
    "</rdf:Seq></dc:creator><dc:description><rdf:Alt><rdf:li>caption</rdf:li></rdf:Alt>"
    f'</dc:description><dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{RIGHTS_IN_XML}</rdf:li>'
    "</rdf:Alt></dc:rights>"
)
IN_XMP = XMP.format(f'photoshop:Credit="{LINE}"', LISTS).encode()


def dataset(record, number, text):
    return struct.pack(">BBBH", 0x1C, record, number, len(text)) + text


def iptc(name=NAME, rights=RIGHTS, line=LINE, encoding="utf-8"):
    """An IPTC record with these lines, a place and a caption."""
    return (
        dataset(1, 90, b"\x1b%G")
        + dataset(2, 90, b"Berlin")
        + dataset(2, 80, name.encode(encoding))
        + dataset(2, 80, b"Second")
        + dataset(2, 110, line.encode(encoding))
        + dataset(2, 116, rights.encode(encoding))
        + dataset(2, 120, b"caption")
    )


def photoshop(record):
    """Photoshop's blocks: a thumbnail with a name of odd length, and the IPTC record."""
    return block(0x040C, b"odd", b"thumbnail") + block(0x0404, b"", record)


def block(kind, name, content):
    pascal = bytes([len(name)]) + name
    return (
        struct.pack(">4sH", b"8BIM", kind)
        + pascal.ljust(len(pascal) + len(pascal) % 2, b"\0")
        + struct.pack(">I", len(content))
        + content.ljust(len(content) + len(content) % 2, b"\0")
    )


def with_segment(original, marker, body):
    """The JPEG with another segment at its beginning."""
    return original[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + original[2:]


def with_iptc(record):
    body = b"Photoshop 3.0\0" + photoshop(record)
    return with_segment(encoded(corners(), "JPEG"), 0xED, body)


def in_exif(form="JPEG", picture=None):
    """A picture with artist and copyright in EXIF data, and with a camera, time and position."""
    lines = {0x013B: NAME.encode(), 0x8298: RIGHTS.encode()}
    ascii_lines = {tag: bytes([tag & 0x7F]) * len(line) for tag, line in lines.items()}
    private = exif_of(
        {0x010F: "NIKON", **(ascii_lines if form == "TIFF" else lines)},
        {0x9003: "2024:05:01 12:30:45"},
        {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)},
    )
    body = encoded(picture or corners(), form, exif=private)
    if form == "TIFF":  # whose encoder writes ASCII only
        for tag, line in lines.items():
            body = body.replace(ascii_lines[tag], line)
    return body


@pytest.fixture
def credit():
    """``credit(original, form)``: the lines that a reader finds in the rendition."""

    def run(original, form=Format.JPEG):
        specs = [Spec("one", 64, form)]
        (made,) = develop(original, specs, Limits(), metadata=MetadataPolicy.COPYRIGHT).renditions
        assert not [secret for secret in SECRETS if secret in made.body]
        return lines_of(made.body)

    return run


def lines_of(body):
    """Artist and copyright by Pillow's EXIF reader; creator, rights and credit by an XML parser."""
    picture = opened(body)
    tags = picture.getexif()
    assert not set(tags) - {0x013B, 0x8298}
    texts = [tags.get(tag, "").encode("latin-1").decode() for tag in (0x013B, 0x8298)]
    if "xmp" not in picture.info:
        assert texts == ["", ""]
        return "", "", ""
    properties = {
        element.tag.partition("}")[2]: "".join(element.itertext())
        for element in ET.fromstring(picture.info["xmp"])[0][0]
    }
    assert not set(properties) - {"creator", "rights", "Credit"}
    creator, rights, line = (properties.get(name, "") for name in ("creator", "rights", "Credit"))
    assert [creator, rights] == texts
    return creator, rights, line


@EVERY_RENDITION
def test_artist_and_copyright_are_in_every_rendition(form, credit):
    assert credit(in_exif(), form) == (NAME, RIGHTS, "")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_artist_and_copyright_are_read_of_every_format(form, credit):
    assert credit(in_exif(form)) == (NAME, RIGHTS, "")


@EVERY_RENDITION
def test_the_credit_line_is_in_every_rendition(form, credit):
    assert credit(with_iptc(iptc()), form) == (NAME, RIGHTS, LINE)


def test_an_iptc_record_may_be_in_latin_1(credit):
    record = iptc(line="Agentur Müller", encoding="latin-1")
    assert credit(with_iptc(record)) == (NAME, RIGHTS, "Agentur Müller")


@pytest.mark.parametrize("tag", [33723, 34377])
def test_the_iptc_record_of_a_tiff_is_read(tag, credit):
    content = iptc() if tag == 33723 else photoshop(iptc())
    tags = {tag: content}
    assert credit(encoded(corners(), "TIFF", tiffinfo=tags)) == (NAME, RIGHTS, LINE)


def test_the_iptc_record_of_a_png_of_imagemagick_is_read(credit):
    words, content = PngImagePlugin.PngInfo(), photoshop(iptc())
    words.add_text("Raw profile type iptc", f"\niptc\n{len(content):8}\n{content.hex()}\n")
    assert credit(encoded(corners(), "PNG", pnginfo=words)) == (NAME, RIGHTS, LINE)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_the_lines_of_the_xmp_are_read(form, credit):
    options = {"xmp": IN_XMP}
    if form == "TIFF":
        options = {"tiffinfo": {700: IN_XMP}}
    if form == "PNG":
        options = {"pnginfo": PngImagePlugin.PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", IN_XMP.decode())
    assert credit(encoded(corners(), form, **options)) == (NAME, RIGHTS, LINE)


def test_exif_counts_more_than_iptc_and_iptc_more_than_xmp(credit):
    body = b"Photoshop 3.0\0" + photoshop(iptc("of IPTC", "of IPTC", "of IPTC"))
    original = encoded(corners(), "JPEG", exif=exif_of({0x013B: b"of EXIF"}), xmp=IN_XMP)
    assert credit(with_segment(original, 0xED, body)) == ("of EXIF", "of IPTC", "of IPTC")


def test_a_picture_without_credit_gets_no_metadata():
    original = encoded(corners(), "JPEG", exif=exif(make="NIKON", located=True))
    made = develop(original, SPECS, Limits(), metadata=MetadataPolicy.COPYRIGHT)
    for rendition in made.renditions:
        assert not {"exif", "xmp"} & set(opened(rendition.body).info)


def test_by_default_no_rendition_has_a_credit(developed):
    for original in (in_exif(), with_iptc(iptc())):
        for rendition in developed(original, *SPECS).renditions:
            assert not {"exif", "xmp", "photoshop"} & set(opened(rendition.body).info)
            assert b"ller" not in rendition.body


def test_the_analysis_has_no_credit():
    made = develop(in_exif(), SPECS, Limits(), metadata=MetadataPolicy.COPYRIGHT)
    assert not {"exif", "xmp"} & set(opened(made.analysis.body).info)


def test_a_transparent_picture_has_its_credit(credit):
    assert credit(in_exif("PNG", hole()), Format.WEBP) == (NAME, RIGHTS, "")


def test_only_the_application_record_of_iptc_counts(credit):
    record = dataset(3, 110, b"of another record") + iptc()
    assert credit(with_iptc(record)) == (NAME, RIGHTS, LINE)


def test_long_lines_are_cut(credit):
    original = encoded(corners(), "JPEG", exif=exif_of({0x013B: b"x" * 60_000}))
    assert credit(original) == ("x" * 500, "", "")


@pytest.mark.parametrize("name", ["", "x", "xyz", "xyzzy", "Zoë"])
@pytest.mark.parametrize("rights", ["", "abc", "abcdefgh"])
def test_a_written_exif_block_is_read_again(name, rights):
    main = read_exif(exif_of_credit(Credit(name, rights, "line"))).main
    assert (main.text(0x013B), main.text(0x8298)) == (name, rights)


@pytest.mark.parametrize("length", [0, 3, 8, 20, 40])
def test_a_broken_iptc_record_is_not_an_error(length, credit):
    assert credit(with_iptc(iptc()[:length]))[2] == ""


def test_a_record_of_other_data_has_no_credit(credit):
    assert credit(with_iptc(dataset(2, 110, b"") + b"\x1d" + iptc()[1:])) == ("", "", "")
