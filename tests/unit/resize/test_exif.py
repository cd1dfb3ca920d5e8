"""The EXIF reader returns single values, within bounds on entries and bytes, of any bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.resize.logic import Limits, Spec, develop
from services.resize.pictures import iptc, xmp
from services.resize.pictures.exif import MAX_CONTENT, MAX_ENTRIES, read_exif
from tests.corpus import with_all_metadata
from tests.pictures import exif_directory, exif_of

HEADER = b"II*\0\x08\0\0\0"
MODEL, ORIENTATION, SOFTWARE = 0x0110, 0x0112, 0x0131


def block(*entries):
    return HEADER + exif_directory(entries)


def forbidden(*_):
    pytest.fail("Pillow's EXIF reader was used")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_pillows_exif_reader_is_not_used(form, monkeypatch):
    original = with_all_metadata(form)
    for name in ("load", "load_from_fp", "get_ifd", "tobytes"):
        monkeypatch.setattr(Image.Exif, name, forbidden)
    developed = develop(original, [Spec("one", 64)], Limits())
    assert developed.captured.camera == "Maker Model"


@pytest.mark.parametrize("order", ["II", "MM"])
def test_texts_and_numbers_are_read_in_both_byte_orders(order):
    code, mark = {"II": ("<", b"II*\0"), "MM": (">", b"MM\0*")}[order]
    entries = struct.pack(f"{code}HHII", MODEL, 2, 8, 38)
    entries += struct.pack(f"{code}HHIHxx", ORIENTATION, 3, 1, 7)
    directory = struct.pack(f"{code}H", 2) + entries + bytes(4)
    main = read_exif(mark + struct.pack(f"{code}I", 8) + directory + b"Camera 1").main
    assert (main.text(MODEL), main.number(ORIENTATION)) == ("Camera 1", 7)


def test_a_bigtiff_has_longer_numbers():
    entries = struct.pack("<HHQ8s", MODEL, 2, 8, b"Camera 1")
    entries += struct.pack("<HHQQ", SOFTWARE, 2, 9, 16 + 8 + 3 * 20 + 8)
    entries += struct.pack("<HHQQ", 0x8769, 16, 1, 16)
    directory = struct.pack("<Q", 3) + entries + bytes(8)
    exif = read_exif(b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + directory + b"Darkroom!")
    assert [exif.main.text(tag) for tag in (MODEL, SOFTWARE)] == ["Camera 1", "Darkroom!"]
    assert exif.photo.text(MODEL) == "Camera 1"


def test_a_short_value_is_in_its_entry():
    assert read_exif(block((MODEL, 2, 4, 0x33323130))).main.text(MODEL) == "0123"


def test_of_two_entries_with_the_same_tag_the_first_counts():
    twice = block((MODEL, 2, 2, ord("a")), (MODEL, 2, 2, ord("b")))
    assert read_exif(twice).main.text(MODEL) == "a"


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"Zo\xc3\xab", "Zoë"), (b"Zo\xeb", "Zoë"), (b"one\0two", "one"), (b"\0\0\0", "")],
)
def test_a_text_is_utf_8_or_latin_1_up_to_the_first_nul(content, text):
    assert read_exif(exif_of({MODEL: content})).main.text(MODEL) == text


def test_a_value_is_read_up_to_its_limit():
    main = read_exif(exif_of({MODEL: "x" * 60_000})).main
    assert (len(main.text(MODEL)), len(main.content(MODEL, 9))) == (MAX_CONTENT, 9)


@pytest.mark.parametrize(("before", "text"), [(MAX_ENTRIES - 1, "a"), (MAX_ENTRIES, "")])
def test_a_directory_is_read_up_to_its_limit(before, text):
    entries = [(0xC000, 4, 1, 0)] * before + [(MODEL, 2, 2, ord("a"))]
    assert read_exif(block(*entries)).main.text(MODEL) == text


@pytest.mark.parametrize("number", [2, 1000, 65_535])
def test_a_directory_that_declares_too_many_entries_is_read_to_its_end(number):
    one = block((MODEL, 2, 2, ord("a")))
    assert read_exif(one[:8] + struct.pack("<H", number) + one[10:]).main.text(MODEL) == "a"


@pytest.mark.parametrize("start", [0, 100, 2**31, 2**32 - 1])
def test_a_directory_outside_of_the_block_is_empty(start):
    main = read_exif(b"II*\0" + struct.pack("<I", start) + block((MODEL, 2, 2, 97))).main
    assert main.text(MODEL) == ""


@pytest.mark.parametrize(("kind", "values", "at"), [(2, 9, 10**6), (99, 9, 8), (2, 0, 97)])
def test_a_value_outside_of_the_block_or_of_an_unknown_type_is_empty(kind, values, at):
    assert read_exif(block((MODEL, kind, values, at))).main.content(MODEL) == b""


@pytest.mark.parametrize(("kind", "values"), [(3, 2), (5, 1), (2, 1), (9, 1)])
def test_a_list_or_a_value_of_another_type_is_no_number(kind, values):
    assert read_exif(block((ORIENTATION, kind, values, 6))).main.number(ORIENTATION) == 0


def test_a_directory_may_contain_itself():
    exif = read_exif(block((MODEL, 2, 2, 97), (0x8769, 4, 1, 8), (0x8825, 4, 1, 8)))
    assert [part.text(MODEL) for part in (exif.main, exif.photo, exif.position)] == ["a"] * 3


@given(st.binary(max_size=300), st.sampled_from([b"", HEADER, b"MM\0*\0\0\0\x08", b"II+\0"]))
def test_any_bytes_have_values(content, header):
    exif = read_exif(header + content)
    for part in (exif.main, exif.photo, exif.position):
        assert len(part.content(MODEL)) <= MAX_CONTENT
        assert 1 <= part.orientation() <= 8
        part.text(MODEL)


@given(st.binary(max_size=300))
def test_any_bytes_have_an_iptc_record(content):
    iptc.read_iptc(content)
    iptc.read_iptc(b"\x1c\2" + content)
    iptc.iptc_of(b"8BIM" + content)


@given(st.text("<>=\"' :&#x;acdorisetR/1", max_size=200))
def test_any_text_has_an_xmp_value(content):
    xmp.value(f"<dc:creator{content}".encode(), "dc:creator")


def test_a_tiff_may_have_many_strips(developed):
    rows = 100_000
    strips = struct.pack(f"<{rows}I", *range(8, 8 + rows)) + struct.pack("<I", 1) * rows
    entries = [(256, 3, 1, 1), (257, 4, 1, rows), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    entries += [
        (273, 4, rows, 8 + rows),
        (277, 3, 1, 1),
        (278, 3, 1, 1),
        (279, 4, rows, 8 + 5 * rows),
    ]
    start = 8 + 9 * rows
    body = b"II*\0" + struct.pack("<I", start) + bytes([200]) * rows + strips
    assert developed(body + exif_directory(entries)).height == rows


def test_an_xmp_packet_is_read_up_to_its_limit():
    packet = b" " * xmp.MAX_BYTES + b'<a photoshop:Credit="x"/>'
    assert xmp.value(packet[100:], "photoshop:Credit") == "x"
    assert xmp.value(packet, "photoshop:Credit") == ""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a &amp; b", "a & b"),
        ("&lt;&gt;&quot;&apos;", "<>\"'"),
        ("&#169;&#xa9;", "©©"),
        ("&#0;&#9999999;", ""),
        ("&unknown;", "&unknown;"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_an_entity_of_xml_is_its_character(written, read):
    packet = f"<photoshop:Credit>{written}</photoshop:Credit>".encode()
    assert xmp.value(packet, "photoshop:Credit") == read


def test_another_property_with_the_same_beginning_is_not_read():
    packet = b'<a xphotoshop:Credit="x" photoshop:CreditLine="y" photoshop:Credit = "z"/>'
    assert xmp.value(packet, "photoshop:Credit") == "z"
