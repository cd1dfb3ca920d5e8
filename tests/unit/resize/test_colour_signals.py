"""Colour spaces that a file describes by numbers are converted to sRGB.

The expected colours are those that Chromium 150 shows, unless a comment says otherwise.
"""

import io
import random
import struct
from itertools import pairwise

import pillow_heif
import pytest
from PIL import Image

from services.resize.pictures.hdr import REFERENCE_WHITE, Hdr, rwtmo_gain
from services.resize.pictures.primaries import BT2020, BY_CODE
from services.resize.pictures.signals import read_signal
from tests.pictures import close, encoded, opened, png_chunk, rgb_profile, swapped_profile

pytestmark = pytest.mark.slow

SIDES = (120, 80)
BROWN = (200, 100, 50)
DARK = (128, 64, 32)

SRGB_POINTS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_POINTS = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
ALMOST_SRGB_POINTS = (31269, 32899, 63999, 33001, 30000, 60000, 15000, 5999)
NO_POINTS = (31270, 0, 64000, 33000, 30000, 60000, 15000, 6000)

P3 = (b"cICP", bytes((12, 13, 0, 1)))
PQ = (b"cICP", bytes((9, 16, 0, 1)))
HLG = (b"cICP", bytes((9, 18, 0, 1)))
SRGB = (b"sRGB", b"\0")


def gamma(value):
    return b"gAMA", struct.pack(">I", value)


def points(values):
    return b"cHRM", struct.pack(">8I", *values)


def light(nits):
    return b"cLLI", struct.pack(">II", nits * 10_000, 0)


def mastering(nits):
    return b"mDCV", bytes(16) + struct.pack(">II", nits * 10_000, 0)


def with_chunks(original, *chunks):
    """The PNG with chunks after its header."""
    return original[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + original[33:]


def png_of_colour(colour, *chunks, mode="RGB", **options):
    picture = Image.new("RGB", SIDES, colour).convert(mode)
    return with_chunks(encoded(picture, "PNG", **options), *chunks)


def with_nclx(original, primaries, transfer):
    """The AVIF with other codes in its box of colours."""
    at = original.index(b"nclx") + 4
    return original[:at] + struct.pack(">HH", primaries, transfer) + original[at + 4 :]


def avif(colour, primaries, transfer, **options):
    original = encoded(Image.new("RGB", SIDES, colour), "AVIF", quality=100, **options)
    return with_nclx(original, primaries, transfer)


def heic(colour, primaries, transfer, **options):
    codes = {"color_primaries": primaries, "transfer_characteristics": transfer}
    return encoded(
        Image.new("RGB", SIDES, colour), "HEIC", quality=-1, chroma=444, **codes | options
    )


def with_cicp(profile, primaries, transfer):
    """The ICC profile with a tag of codes in place of its tag of white."""
    tag = b"cicp\0\0\0\0" + bytes((primaries, transfer, 0, 1)) + bytes(8)
    at = profile.index(b"wtpt")
    (start,) = struct.unpack_from(">I", profile, at + 4)
    named = profile[:at] + b"cicp" + profile[at + 4 :]
    return named[:start] + tag + named[start + len(tag) :]


@pytest.fixture
def colour(rendition):
    """The colour in the middle of the rendition."""

    def run(original):
        return opened(rendition(original).body).convert("RGB").getpixel((32, 21))

    return run


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([P3], (215, 93, 31)),
        ([(b"cICP", bytes((11, 13, 0, 1)))], (211, 93, 32)),  # DCI-P3, whose white is not D65
        ([(b"cICP", bytes((9, 14, 0, 1)))], (239, 63, 5)),
        ([(b"cICP", bytes((1, 1, 0, 1)))], (197, 91, 39)),
        ([(b"cICP", bytes((1, 8, 0, 1)))], (229, 168, 122)),
        ([(b"cICP", bytes((1, 4, 0, 1)))], (201, 100, 46)),
        ([gamma(100_000)], (229, 168, 122)),
        ([gamma(55_556)], (210, 119, 65)),
        ([gamma(45_455), points(P3_POINTS)], (216, 93, 24)),
        ([gamma(100_000), points(NO_POINTS)], (229, 168, 122)),  # by the gamma alone
    ],
    ids=str,
)
def test_the_chunks_of_a_png_describe_its_colours(chunks, expected, colour):
    assert close(colour(png_of_colour(BROWN, *chunks)), expected, 1)


@pytest.mark.parametrize(
    "chunks",
    [
        [SRGB],
        [gamma(45_455)],
        [gamma(45_455), points(SRGB_POINTS)],  # Chromium shows shadows darker; programs mean sRGB
        [gamma(45_000), points(ALMOST_SRGB_POINTS)],
        [points(P3_POINTS)],  # Chromium ignores it without a gamma
        [(b"cICP", bytes((1, 13, 0, 1)))],
        [gamma(0)],
        [gamma(1)],  # a gamma of 100,000, which no profile can have
    ],
    ids=str,
)
def test_a_png_of_srgb_is_not_converted(chunks):
    original = png_of_colour(BROWN, *chunks)
    assert read_signal("PNG", original, None) is None


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([P3, SRGB, gamma(100_000), points(SRGB_POINTS)], (215, 93, 31)),
        ([SRGB, gamma(100_000), points(P3_POINTS)], BROWN),
        ([gamma(100_000), gamma(45_455)], (229, 168, 122)),  # the first of a kind
        ([(b"cICP", bytes((2, 13, 0, 1))), gamma(100_000)], (229, 168, 122)),  # unspecified
        ([(b"cICP", bytes((12, 9, 0, 1))), gamma(100_000)], (229, 168, 122)),  # logarithmic
        ([(b"cICP", bytes((12, 13, 0, 0)))], BROWN),  # limited range
        ([(b"cICP", bytes((12, 13, 1, 1)))], BROWN),  # not RGB
    ],
    ids=str,
)
def test_the_chunks_of_a_png_have_the_precedence_of_its_specification(chunks, expected, colour):
    assert close(colour(png_of_colour(BROWN, *chunks)), expected, 1)


def test_cicp_precedes_a_profile_which_precedes_gamma(colour):
    swapped = swapped_profile()
    assert close(colour(png_of_colour(BROWN, P3, icc_profile=swapped)), (215, 93, 31), 1)
    as_srgb = (b"cICP", bytes((1, 13, 0, 1)))
    assert close(colour(png_of_colour(BROWN, as_srgb, icc_profile=swapped)), BROWN, 1)
    by_profile = colour(png_of_colour(BROWN, gamma(100_000), icc_profile=swapped))
    assert by_profile == colour(png_of_colour(BROWN, icc_profile=swapped))


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA"])
def test_every_mode_of_a_png_is_converted(mode, colour):
    original = png_of_colour((55, 55, 55), gamma(100_000), mode=mode)
    assert close(colour(original), (128, 128, 128), 1)


def test_a_palette_is_converted(colour):
    picture = Image.new("RGB", SIDES, (55, 55, 55)).quantize(4)
    original = with_chunks(encoded(picture, "PNG"), gamma(100_000))
    assert close(colour(original), (128, 128, 128), 1)


def test_grey_of_16_bits_is_converted(colour):
    original = with_chunks(encoded(Image.new("I;16", SIDES, 55 * 257), "PNG"), gamma(100_000))
    assert close(colour(original), (128, 128, 128), 1)


def test_transparency_is_not_converted(rendition):
    picture = Image.new("RGBA", SIDES, (55, 55, 55, 100))
    original = with_chunks(encoded(picture, "PNG"), gamma(100_000))
    assert opened(rendition(original).body).getpixel((32, 21)) == (128, 128, 128, 100)


def test_a_chunk_of_a_wrong_size_or_checksum_is_ignored():
    short = png_of_colour(BROWN, (b"gAMA", b"\0\1"), (b"cICP", b"\x0c"), (b"cHRM", bytes(31)))
    assert read_signal("PNG", short, None) is None
    damaged = png_of_colour(BROWN, gamma(100_000)).replace(b"gAMA\0\1", b"gAMA\0\2")
    assert read_signal("PNG", damaged, None) is None


@pytest.mark.parametrize("make", [avif, heic])
@pytest.mark.parametrize(
    ("primaries", "transfer", "expected"),
    [
        (12, 13, (209, 147, 90)),
        (12, 2, (209, 147, 90)),
        (9, 1, (227, 142, 88)),  # Chromium takes a camera's curve as sRGB's
        (9, 14, (227, 142, 88)),
        (6, 6, (197, 150, 98)),
        (1, 8, (229, 202, 167)),
        (1, 5, (189, 131, 75)),
        (1, 7, (206, 161, 114)),
        (11, 17, (208, 140, 75)),
    ],
)
def test_the_codes_of_avif_and_heic_describe_their_colours(
    make, primaries, transfer, expected, colour
):
    assert close(colour(make((200, 150, 100), primaries, transfer)), expected, 3)


@pytest.mark.parametrize("codes", [(1, 13), (1, 1), (1, 6), (2, 2), (2, 13), (0, 0), (99, 99)])
def test_codes_of_srgb_or_of_nothing_are_not_converted(codes):
    assert read_signal("AVIF", avif(BROWN, *codes), None) is None


@pytest.mark.parametrize("matrix", [0, 1, 6, 9])
@pytest.mark.parametrize("full", [0, 1])
def test_the_decoder_applies_matrix_and_range(matrix, full, colour):
    original = heic((200, 150, 100), 12, 13, matrix_coefficients=matrix, full_range_flag=full)
    assert close(colour(original), (209, 147, 90), 2)


@pytest.mark.parametrize("make", [avif, heic])
def test_a_profile_precedes_the_codes(make, colour):
    original = make((200, 150, 100), 12, 13, icc_profile=swapped_profile())
    assert close(colour(original), colour(make((150, 200, 100), 1, 13)), 4)


@pytest.mark.parametrize(
    ("chunk", "value", "expected"),
    [
        (PQ, DARK, (165, 0, 0)),
        (PQ, (128, 128, 128), (132, 132, 132)),
        (PQ, (255, 255, 255), (255, 255, 255)),
        (HLG, DARK, (112, 35, 9)),
        (HLG, BROWN, (230, 48, 17)),
        ((b"cICP", bytes((12, 16, 0, 1))), DARK, (145, 12, 0)),
    ],
)
def test_an_hdr_png_is_tone_mapped(chunk, value, expected, colour, developed):
    original = png_of_colour(value, chunk)
    assert close(colour(original), expected, 3)
    assert developed(original).details.hdr


@pytest.mark.parametrize("make", [avif, heic])
@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((9, 16), (157, 61, 10)),
        ((9, 18), (108, 70, 42)),
        ((2, 16), (131, 72, 29)),
    ],
)
def test_an_hdr_avif_or_heic_is_tone_mapped(make, codes, expected, colour, developed):
    original = make((128, 96, 64), *codes)
    assert close(colour(original), expected, 6)  # the encoders differ by a level, which is two here
    assert developed(original).details.hdr


def test_a_heic_of_10_bits_is_tone_mapped(colour):
    value = (109, 109, 109)
    row = b"".join(struct.pack("<H", channel * 257) for channel in value) * SIDES[0]
    file = io.BytesIO()
    deep = pillow_heif.from_bytes("RGB;16", SIDES, row * SIDES[1])
    deep.save(file, quality=-1, color_primaries=9, transfer_characteristics=16)
    assert close(colour(file.getvalue()), (92, 92, 92), 2)


def test_grey_is_tone_mapped(colour, developed):
    original = png_of_colour((128, 128, 128), PQ, mode="L")
    assert close(colour(original), (132, 132, 132), 1)
    assert developed(original).details.hdr


def test_a_picture_of_standard_range_is_not_called_hdr(developed):
    assert not developed(png_of_colour(BROWN, P3)).details.hdr


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([light(400)], (203, 0, 0)),
        ([mastering(400)], (203, 0, 0)),
        ([light(400), mastering(4000)], (203, 0, 0)),
        ([light(203)], (225, 0, 0)),
        ([light(0)], (165, 0, 0)),
    ],
    ids=str,
)
def test_a_dimmer_peak_leaves_the_picture_brighter(chunks, expected, colour):
    assert close(colour(png_of_colour(DARK, PQ, *chunks)), expected, 2)


@pytest.mark.parametrize(
    ("chunks", "value", "expected"),
    [
        ([PQ], (165, 165, 165), (221, 221, 221)),
        ([PQ], (180, 180, 180), (242, 242, 242)),
        ([PQ, light(400)], (165, 165, 165), (254, 254, 254)),
        ([PQ, light(4000)], (165, 165, 165), (206, 206, 206)),
        ([PQ, light(4000)], (180, 180, 180), (217, 217, 217)),
        ([PQ], (170, 120, 110), (255, 52, 70)),
        ([PQ], (180, 160, 120), (255, 164, 59)),
        ([PQ, light(4000)], (180, 160, 120), (250, 147, 52)),
        ([HLG], (180, 180, 180), (166, 166, 166)),
        ([HLG], (250, 250, 250), (251, 251, 251)),
        ([HLG], (180, 160, 120), (178, 133, 93)),
    ],
    ids=str,
)
def test_highlights_are_tone_mapped_by_the_brightest_channel(chunks, value, expected, colour):
    assert close(colour(png_of_colour(value, *chunks)), expected, 2)


def test_an_hlg_picture_is_no_brighter_than_its_display(colour):
    """Chromium believes a peak of 4,000 cd/m2, and shows white as grey (223)."""
    original = png_of_colour((250, 250, 250), HLG, light(4000))
    assert close(colour(original), (251, 251, 251), 1)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("codes", "expected"),
    [((9, 18), (230, 48, 17)), ((12, 13), (215, 93, 31)), ((1, 8), (229, 168, 122))],
)
def test_the_codes_in_a_profile_precede_its_curves(form, codes, expected, colour, developed):
    profile = with_cicp(swapped_profile(), *codes)
    picture = Image.new("RGB", SIDES, BROWN)
    original = encoded(picture, form, quality=100, icc_profile=profile)
    assert close(colour(original), expected, 6)
    assert developed(original).details.hdr == (codes == (9, 18))


def test_the_codes_in_a_profile_of_another_space_are_ignored():
    for space in (b"GRAY", b"CMYK"):
        profile = with_cicp(rgb_profile(), 9, 16).replace(b"RGB ", space)
        assert read_signal("JPEG", b"", profile) is None


def test_unspecified_codes_in_a_profile_are_ignored(colour):
    profile = with_cicp(swapped_profile(), 2, 2)
    original = png_of_colour(BROWN, icc_profile=profile)
    assert colour(original) == colour(png_of_colour(BROWN, icc_profile=swapped_profile()))


@pytest.mark.parametrize("peak", [100.0, 203.0, 400.0, 1000.0, 10_000.0])
def test_tone_mapping_never_makes_a_brighter_colour_darker(peak):
    gain = rwtmo_gain(peak)
    shown = [x * gain(x) for x in (step / 50 for step in range(1, 3000))]
    assert all(one <= other + 1e-9 for one, other in pairwise(shown))
    assert max(shown) <= 1 + 1e-9
    assert shown[-1] == pytest.approx(1)


def test_tone_mapping_halves_the_reference_white_of_a_bright_picture():
    """SMPTE ST 2094-50, formula C.2, and Skia's ``SkHdrAgtm.cpp``."""
    assert rwtmo_gain(1000)(1) == pytest.approx(0.5)
    assert rwtmo_gain(REFERENCE_WHITE)(1) == 1


@pytest.mark.parametrize("primaries", sorted(BY_CODE))
def test_white_stays_white_with_all_primaries(primaries, colour):
    assert close(
        colour(png_of_colour((255, 255, 255), (b"cICP", bytes((primaries, 13, 0, 1))))),
        (255, 255, 255),
        1,
    )


def box(name, *content):
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, name) + body


def nclx(primaries, transfer):
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, 6, 128))


CLLI = box(b"clli", struct.pack(">HH", 4000, 400))
MDCV = box(b"mdcv", bytes(16), struct.pack(">II", 6_000_000, 0))


def heif_file(properties, associations, *, primary=1, wide=False, references=b""):
    """A file of boxes without pixels. ``associations``: an item's number and its properties."""
    number = ">I" if wide else ">H"
    entries = [
        struct.pack(number, item)
        + bytes((len(indexes),))
        + b"".join(struct.pack(">H", 0x8000 | i) if wide else bytes((0x80 | i,)) for i in indexes)
        for item, indexes in associations
    ]
    full = bytes((wide, 0, 0, wide))
    ipma = box(b"ipma", full, struct.pack(">I", len(entries)), *entries)
    meta = box(
        b"meta",
        bytes(4),
        box(b"pitm", full, struct.pack(number, primary)),
        box(b"iprp", box(b"ipco", *properties), ipma),
        references and box(b"iref", full, references),
    )
    return box(b"ftyp", b"heic") + meta


@pytest.mark.parametrize("wide", [False, True])
def test_the_codes_are_those_of_the_primary_item(wide):
    original = heif_file([nclx(9, 18), nclx(9, 16)], [(1, [1]), (7, [2])], primary=7, wide=wide)
    signal = read_signal("HEIC", original, None)
    assert (signal.primaries, signal.transfer, signal.peak) == (BT2020, Hdr.PQ, 1000)


@pytest.mark.parametrize("wide", [False, True])
def test_a_grid_without_codes_has_those_of_its_first_tile(wide):
    number = ">I" if wide else ">H"
    tiles = struct.pack(number, 1) + struct.pack(">H", 2) + struct.pack(number, 5) * 2
    original = heif_file(
        [nclx(12, 13), nclx(9, 16)],
        [(1, []), (5, [1]), (6, [2])],
        wide=wide,
        references=box(b"dimg", tiles),
    )
    assert read_signal("HEIC", original, None).primaries == BY_CODE[12]


@pytest.mark.parametrize(
    ("properties", "peak"), [([CLLI, MDCV], 4000), ([MDCV], 600), ([box(b"clli", bytes(4))], 1000)]
)
def test_the_peak_of_avif_and_heic_is_read(properties, peak):
    indexes = list(range(1, len(properties) + 2))
    original = heif_file([nclx(9, 16), *properties], [(1, indexes)])
    assert read_signal("AVIF", original, None).peak == peak


@pytest.mark.parametrize(
    "original",
    [
        b"",
        box(b"ftyp"),
        box(b"meta"),
        box(b"meta", bytes(4), box(b"pitm")),
        heif_file([nclx(9, 16)], [(1, [99, 0])]),
        heif_file([nclx(9, 16)], []),
        heif_file([box(b"colr", b"nclx\0")], [(1, [1])]),
        heif_file([nclx(9, 16)], [(1, [1])])[:-6],
        struct.pack(">I4sQ", 1, b"meta", 2**63),
    ],
)
def test_boxes_that_say_nothing_are_no_error(original):
    assert read_signal("HEIC", original, None) is None


@pytest.mark.parametrize("kind", ["PNG", "AVIF", "JPEG"])
def test_damaged_descriptions_are_no_error(kind):
    """Random changes of a description; read_signal must return and not raise."""
    change = random.Random(kind)
    profile = with_cicp(rgb_profile(), 9, 16)
    originals = {
        "PNG": png_of_colour(BROWN, P3, gamma(45_455), points(P3_POINTS), light(9)),
        "AVIF": heif_file([nclx(9, 14), CLLI, MDCV], [(1, [1, 2, 3])]),
        "JPEG": b"",
    }
    for _ in range(2000):
        original, damaged_profile = bytearray(originals[kind]), bytearray(profile)
        for target in (original, damaged_profile):
            for _ in range(change.randrange(4) if target else 0):
                target[change.randrange(len(target))] = change.choice((0, 1, 127, 255))
            if change.random() < 0.3:
                del target[change.randrange(len(target) + 1) :]
        read_signal(kind, bytes(original), bytes(damaged_profile) if kind == "JPEG" else None)
