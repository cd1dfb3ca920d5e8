"""Files that are complete, but not perfect, are rendered with a warning, like in browsers."""

import io
import struct
import threading
import zlib

import pytest
from PIL import AvifImagePlugin, Image, ImageFile, PngImagePlugin

from services.resize.logic import Format, Limits, Spec, develop
from services.resize.pictures.defects import Defect
from shared.errors import PermanentError
from tests.picture_cases import picture_case
from tests.pictures import (
    corners,
    encoded,
    exif,
    hole,
    opened,
    photo,
    png_chunk,
    swapped_profile,
    unlikeness,
)

pytestmark = pytest.mark.slow

WHOLE = Spec("whole", 4000, Format.PNG)

HANDED = {
    "jpg_no_eoi.jpg": Defect.MISSING_END_MARKER,
    "jpg_no_eoi_samsung_trailer.jpg": Defect.MISSING_END_MARKER,
    "o_gif_cut_end.gif": Defect.MISSING_END_MARKER,
    "o_png_bad_adler.png": Defect.BAD_CHECKSUM,
    "o_png_gama_short.png": Defect.DAMAGED_METADATA,
    "png_badcrc_text.png": Defect.BAD_CHECKSUM,
    "png_iccp_1.2MB.png": Defect.OVERSIZED_PROFILE,
    "png_ztxt_1.5MB.png": Defect.OVERSIZED_TEXT,
}


def rendered(original):
    """The whole picture, and the codes of its warnings."""
    developed = develop(original, [WHOLE], Limits())
    return opened(developed.renditions[0].body), developed.details.warnings


def refused(original):
    with pytest.raises(PermanentError) as caught:
        develop(original, [WHOLE], Limits())
    return caught.value


def assert_imperfect(original, perfect, *defects):
    """The file has these defects and shows the same picture as the perfect file."""
    picture, warnings = rendered(original)
    expected, none = rendered(perfect)
    assert warnings == tuple(defect.code for defect in defects)
    assert none == ()
    assert picture.tobytes() == expected.tobytes()


def jpeg(**options):
    return encoded(photo(300, 200), "JPEG", **options)


def png_with(*chunks, after=False, size=(300, 200)):
    """A PNG with these chunks before or after its pixels."""
    whole = encoded(photo(*size), "PNG")
    at = len(whole) - 12 if after else 33
    return whole[:at] + b"".join(chunks) + whole[at:]


def png_stream(change, picture=None, **options):
    """A PNG whose compressed pixels are changed by a function."""
    whole = encoded(picture or photo(300, 200), "PNG", **options)
    at, stream = 33, b""
    while at < len(whole):
        length = int.from_bytes(whole[at : at + 4])
        if whole[at + 4 : at + 8] == b"IDAT":
            stream += whole[at + 8 : at + 8 + length]
        at += 12 + length
    start = whole.index(b"IDAT") - 4
    return whole[:start] + png_chunk(b"IDAT", change(stream)) + png_chunk(b"IEND", b"")


def wrong(chunk):
    """The chunk with a wrong checksum."""
    return chunk[:-1] + bytes((chunk[-1] ^ 1,))


@pytest.mark.parametrize("name", HANDED)
def test_a_handed_file_shows_the_right_colours_and_a_warning(name):
    original, expected = picture_case(name)
    picture, warnings = rendered(original)
    assert warnings == (HANDED[name].code,)
    assert f"{picture.width}x{picture.height}" == expected["size"]
    for quarter, right in enumerate(expected["pixels"], 1):
        at = picture.width * quarter // 4, picture.height * quarter // 4
        shown = picture.convert("RGB").getpixel(at)
        assert all(abs(a - b) <= 3 for a, b in zip(shown, right, strict=True))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"restart_marker_blocks": 4},
        {"progressive": True, "restart_marker_blocks": 4},
        {"subsampling": 0},
        {"exif": exif(make="Maker")},
    ],
    ids=["baseline", "progressive", "restarts", "progressive restarts", "4:4:4", "exif"],
)
@pytest.mark.parametrize(
    "trailer",
    [b"", b"\xff", b"no marker", b"\xff\xe4\x12\x34\xff\x4a" * 9, bytes(range(256)) * 40 + b"SEFT"],
    ids=["cut", "half a marker", "text", "false markers", "phone"],
)
def test_a_jpeg_without_end_marker_is_rendered(options, trailer):
    whole = jpeg(**options)
    assert_imperfect(whole[:-2] + trailer, whole, Defect.MISSING_END_MARKER)


def test_a_large_jpeg_without_end_marker_is_rendered():
    whole = encoded(photo(300, 200).resize((6400, 4800)), "JPEG")
    perfect, imperfect = (
        develop(file, [Spec("small", 300)], Limits()) for file in (whole, whole[:-2])
    )
    assert imperfect.details.warnings == ("missing-end-marker",)
    assert imperfect.renditions == perfect.renditions
    assert refused(whole[:-1000]).reason == "truncated"


@pytest.mark.parametrize(
    ("options", "cut", "least", "most"),
    [
        ({}, 6000, 45, 70),
        ({}, 20, 1, 8),
        ({"restart_marker_blocks": 4}, 3000, 15, 40),
    ],
)
def test_a_jpeg_without_its_last_rows_is_truncated(options, cut, least, most):
    error = refused(jpeg(**options)[:-cut])
    assert error.reason == "truncated"
    percent = int(error.facts["missing"].split(" ")[0])
    assert least <= percent <= most
    assert error.facts["missing"] in error.detail


def test_a_jpeg_cut_at_any_restart_marker_is_truncated():
    whole = jpeg(restart_marker_blocks=19)
    marks = [at for at in range(len(whole) - 2) if whole[at] == 0xFF and whole[at + 1] & ~7 == 0xD0]
    assert len(marks) == 12
    assert {refused(whole[:at]).reason for at in marks} == {"truncated"}


def test_a_progressive_jpeg_without_its_last_scans_is_truncated():
    whole = jpeg(progressive=True)
    last = whole.rindex(b"\xff\xc4")
    error = refused(whole[:last])
    assert (error.reason, error.facts["missing"]) == (
        "truncated",
        "the scans with its details are missing",
    )


def test_a_jpeg_with_unreadable_metadata_is_rendered():
    whole = jpeg()
    adobe = b"\xff\xee\0\x08Adobe\1"
    assert_imperfect(whole[:2] + adobe + whole[2:], whole, Defect.DAMAGED_METADATA)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_gif_without_trailer_is_rendered(cut):
    whole = encoded(photo(300, 200), "GIF")
    assert_imperfect(whole[:-cut], whole, Defect.MISSING_END_MARKER)


@pytest.mark.parametrize(("cut", "missing_rows"), [(4, "1 %"), (1000, "4 %"), (15_000, "54 %")])
def test_a_gif_without_its_last_rows_is_truncated(cut, missing_rows):
    error = refused(encoded(photo(300, 200), "GIF")[:-cut])
    assert error.reason == "truncated"
    assert error.facts["missing"].startswith(missing_rows)


def test_a_bmp_one_byte_short_is_rendered():
    whole = encoded(corners(), "BMP")
    perfect = corners()
    perfect.putpixel((119, 0), (0, 255, 0))  # its last byte is this pixel's red
    assert_imperfect(whole[:-1], encoded(perfect, "BMP"), Defect.INCOMPLETE_LAST_PIXEL)


def test_a_bmp_with_more_colours_than_its_pixels_can_have_is_rendered():
    whole = encoded(corners().quantize(4), "BMP")
    at, pixels = 54, int.from_bytes(whole[10:14], "little")
    palette = whole[at:pixels].ljust(4 * 300, b"\0")
    head = whole[:10] + struct.pack("<I", at + len(palette)) + whole[14:46]
    file = head + struct.pack("<I", 300) + whole[50:54] + palette + whole[pixels:]
    assert_imperfect(file, whole)


def test_a_tiff_one_byte_short_is_rendered():
    file = tiff_of(photo(31, 21))
    picture, warnings = rendered(file[:-1])
    assert warnings == ("incomplete-last-pixel",)
    assert unlikeness(picture, photo(31, 21)) < 0.5
    assert refused(file[:-4]).reason == "truncated"


def tiff_of(picture, *, deflated=False):
    """A TIFF whose pixels are the last bytes of the file."""
    pixels = zlib.compress(picture.tobytes()) if deflated else picture.tobytes()
    entries = [(256, picture.width), (257, picture.height), (258, 8)]
    entries += [(259, 8 if deflated else 1), (262, 2)]
    entries += [(273, 8 + 2 + 12 * 9 + 4), (277, 3), (278, picture.height), (279, len(pixels))]
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4) + pixels


def test_a_compressed_tiff_says_how_much_is_missing():
    whole = tiff_of(photo(300, 200), deflated=True)
    assert rendered(whole)[1] == ()
    error = refused(whole[: len(whole) // 2])
    assert error.reason == "truncated"
    assert 40 <= int(error.facts["missing"].split(" ")[0]) <= 60


def test_a_bmp_without_its_last_rows_is_truncated():
    error = refused(encoded(corners(), "BMP")[: -120 * 3 * 20])
    assert (error.reason, error.facts["missing"]) == (
        "truncated",
        "25 % of its picture are missing",
    )


PROFILE = png_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(9_000_000)))
LONG = b"x" * 1_500_000


@pytest.mark.parametrize(
    ("chunk", "defect"),
    [
        (wrong(png_chunk(b"tEXt", b"Comment\0text")), Defect.BAD_CHECKSUM),
        (wrong(png_chunk(b"pHYs", bytes(9))), Defect.BAD_CHECKSUM),
        (wrong(png_chunk(b"prVt", b"any")), Defect.BAD_CHECKSUM),
        (png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(LONG)), Defect.OVERSIZED_TEXT),
        (png_chunk(b"iTXt", b"c\0\1\0\0\0" + zlib.compress(LONG)), Defect.OVERSIZED_TEXT),
        (PROFILE, Defect.OVERSIZED_PROFILE),
        (png_chunk(b"gAMA", b"\0\0"), Defect.DAMAGED_METADATA),
        (png_chunk(b"cHRM", bytes(31)), Defect.DAMAGED_METADATA),
        (png_chunk(b"sRGB", b""), Defect.DAMAGED_METADATA),
        (png_chunk(b"pHYs", bytes(8)), Defect.DAMAGED_METADATA),
        (png_chunk(b"tRNS", bytes(5)), Defect.DAMAGED_METADATA),
        (png_chunk(b"iCCP", b"profile\0\1"), Defect.DAMAGED_METADATA),
        (png_chunk(b"zTXt", b"Comment\0\7"), Defect.DAMAGED_METADATA),
        (png_chunk(b"acTL", bytes(4)), Defect.DAMAGED_ANIMATION),
        (png_chunk(b"fcTL", bytes(25)), Defect.DAMAGED_ANIMATION),
        (png_chunk(b"fdAT", bytes(3)), Defect.DAMAGED_ANIMATION),
    ],
    ids=lambda value: getattr(value, "code", None) or value[4:8].decode(),
)
def test_a_png_with_an_unreadable_ancillary_chunk_is_rendered(chunk, defect):
    assert_imperfect(png_with(chunk), png_with(), defect)


def test_several_defects_have_one_warning_each():
    text = wrong(png_chunk(b"tEXt", b"Comment\0text"))
    file = png_with(text, text, png_chunk(b"gAMA", b""))[:-12]
    assert_imperfect(
        file,
        png_with(),
        Defect.MISSING_END_MARKER,
        Defect.BAD_CHECKSUM,
        Defect.DAMAGED_METADATA,
    )


@pytest.mark.parametrize("cut", [12, 13, 16, 17, 20, 21])
def test_a_png_with_all_pixels_but_no_end_is_rendered(cut):
    whole = encoded(photo(300, 200), "PNG")
    assert_imperfect(whole[:-cut], whole, Defect.MISSING_END_MARKER)


def test_a_png_with_an_end_before_other_data_has_no_warning():
    assert rendered(encoded(corners(), "PNG") + bytes(10_000))[1] == ()


@pytest.mark.parametrize(
    ("picture", "options"),
    [
        (photo(300, 200), {}),
        (hole(), {}),
        (photo(300, 200).convert("L"), {}),
        (photo(31, 20).quantize(4), {"bits": 2}),
        (Image.new("1", (13, 9)), {}),
    ],
    ids=["RGB", "RGBA", "grey", "2 bits", "1 bit"],
)
def test_a_png_with_a_wrong_checksum_of_its_pixels_is_rendered(picture, options):
    broken = png_stream(lambda stream: stream[:-1] + bytes((stream[-1] ^ 1,)), picture, **options)
    assert_imperfect(broken, encoded(picture, "PNG", **options), Defect.BAD_CHECKSUM)


def test_an_interlaced_png_with_a_wrong_checksum_is_rendered():
    rows = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    rows.append((0, 1, 1, 2))
    picture = photo(37, 23).convert("L")
    data = b"".join(
        b"\0" + bytes(picture.getpixel((x, y)) for x in range(left, 37, across))
        for left, top, across, down in rows
        for y in range(top, 23, down)
        if left < 37
    )
    stream = zlib.compress(data)
    header = struct.pack(">IIBBBBB", 37, 23, 8, 0, 0, 0, 1)

    def file(pixels):
        chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)

    assert rendered(file(stream))[0].convert("L").tobytes() == picture.tobytes()
    assert_imperfect(file(stream[:-4] + b"nope"), file(stream), Defect.BAD_CHECKSUM)
    assert refused(file(stream)[:-400]).reason == "truncated"


def test_a_png_without_its_last_rows_is_truncated():
    whole = encoded(photo(300, 200), "PNG")
    error = refused(whole[: len(whole) * 6 // 10])
    assert error.reason == "truncated"
    assert 30 <= int(error.facts["missing"].split(" ")[0]) <= 50


@pytest.mark.parametrize("form", ["HEIC", "AVIF"])
@pytest.mark.parametrize("length", [1, 8, 15, 16, 300])
def test_a_cut_box_after_the_picture_is_ignored(form, length):
    whole = encoded(corners(), form)
    box = struct.pack(">I4s", 500, b"free") + bytes(300)
    assert_imperfect(whole + box[:length], whole)


@pytest.mark.parametrize("options", [{}, {"lossless": True}])
def test_a_webp_whose_metadata_is_cut_is_rendered(options):
    whole = encoded(corners(), "WEBP", **options)
    full = encoded(corners(), "WEBP", exif=exif(make="Maker" * 20), **options)
    assert_imperfect(full[:-30], whole, Defect.MISSING_END_MARKER)
    assert refused(whole[:-20]).reason == "truncated"


def test_a_profile_of_more_than_a_megabyte_is_applied():
    long = zlib.compress(swapped_profile() + bytes(1_200_000))
    whole = encoded(Image.new("RGB", (9, 9), (200, 60, 40)), "PNG")
    picture, warnings = rendered(whole[:33] + png_chunk(b"iCCP", b"p\0\0" + long) + whole[33:])
    red, green, _ = picture.getpixel((4, 4))
    assert warnings == ("oversized-profile",)
    assert green > red


def test_a_repair_changes_no_setting_of_other_threads():
    settings = ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_CHUNK
    broken = png_with(png_chunk(b"gAMA", b""))
    threads = [threading.Thread(target=rendered, args=(broken,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert settings == (ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_CHUNK)
    for thread in threads:
        thread.join(60)
    assert settings[0] is False


def test_codes_are_unique_and_have_a_sentence():
    assert len({defect.code for defect in Defect}) == len(Defect)
    assert all(defect.sentence.endswith(".") for defect in Defect)


def two_associations(original):
    """The AVIF with an ``ipma`` box for each of its two items, as old encoders wrote it."""
    boxes = {name: original.find(name) - 4 for name in (b"meta", b"iloc", b"iprp", b"ipma")}
    at, entry = boxes[b"ipma"], 7
    head = struct.pack(">I8sI", 16 + entry, original[at + 4 : at + 12], 1)
    entries = original[at + 16 : at + 16 + 2 * entry]
    changed = bytearray(original)
    for place in (
        boxes[b"meta"],
        boxes[b"iprp"],
        boxes[b"iloc"] + 22,  # the offset of the first item
        boxes[b"iloc"] + 36,
    ):
        (number,) = struct.unpack_from(">I", changed, place)
        struct.pack_into(">I", changed, place, number + 16)
    changed[at : at + 16 + 2 * entry] = head + entries[:entry] + head + entries[entry:]
    return bytes(changed)


def test_an_avif_with_two_boxes_of_associations_is_rendered(developed):
    whole = encoded(hole(), "AVIF", quality=100)
    broken = two_associations(whole)
    assert len(broken) == len(whole) + 16
    with pytest.raises(SyntaxError):
        AvifImagePlugin.AvifImageFile(io.BytesIO(broken))
    picture = opened(developed(broken).renditions[0].body)
    assert picture.tobytes() == opened(developed(whole).renditions[0].body).tobytes()
    assert picture.mode == "RGBA"
