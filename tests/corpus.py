"""Hostile and odd originals, each made from first principles, and what has to become of each.

``python -m tests.corpus`` writes docs/hostile-pictures.md from it.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from services.resize.logic import Limits, Refusal, Spec
from services.resize.pictures.refusals import SUPPORTED
from tests.pictures import (
    all_blue_ink_profile,
    corners,
    encoded,
    exif,
    hole,
    photo,
    png,
)

DOCUMENT = Path(__file__).parents[1] / "docs" / "hostile-pictures.md"

SIDE = 256
LIMITS = Limits()
SPECS = [Spec("web", SIDE)]
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIC")


@dataclass(frozen=True)
class Made:
    """Developed: the original's format, and the size of its rendition of at most ``SIDE``."""

    format: str
    width: int
    height: int


@dataclass(frozen=True)
class Case:
    """``costly``: its test watches time and memory, in a process of its own."""

    name: str
    make: Callable[[], bytes]
    becomes: Made | Refusal
    costly: bool = False


def broken_words() -> Iterator[Case]:
    """What is no picture at all, or none that is taken."""
    no_image = Refusal.NOT_AN_IMAGE
    yield Case("an empty file", bytes, Refusal.EMPTY)
    yield Case("5,000 zero bytes", partial(bytes, 5000), no_image)
    yield Case("HTML", lambda: b"<!DOCTYPE html><html><body>hello</body></html>", no_image)
    yield Case("PDF", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", no_image)
    yield Case("a zip archive with a photo in it", archive, no_image)
    yield Case("SVG", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', UNSUPPORTED)
    yield Case("a PNG named .jpg", lambda: encoded(corners(), "PNG"), Made("PNG", 120, 80))
    yield Case("text named .png", lambda: b"not a picture, whatever its name says", no_image)


def cut_short() -> Iterator[Case]:
    for form in FORMATS:
        for share in (10, 50, 90):
            yield Case(
                f"{form} cut off at {share} %", partial(beginning, form, share), Refusal.TRUNCATED
            )


def polyglots() -> Iterator[Case]:
    """Two kinds of file at once: what the first bytes say is what it is."""
    small = Made("JPEG", 120, 80)
    yield Case("JPEG and zip at once", lambda: encoded(corners(), "JPEG") + archive(), small)
    yield Case(
        "GIF and HTML at once",
        lambda: encoded(corners(), "GIF") + b"<script>alert(1)</script>",
        Made("GIF", 120, 80),
    )
    yield Case(
        "PDF with a JPEG inside",
        lambda: b"%PDF-1.7\nstream\n" + encoded(corners(), "JPEG"),
        Refusal.NOT_AN_IMAGE,
    )
    yield Case(
        "GIF's first bytes and JavaScript", lambda: b"GIF89a/*" + b"x" * 99, Refusal.TRUNCATED
    )


def bombs() -> Iterator[Case]:
    """Small files that promise, or become, very much."""
    many = Refusal.TOO_MANY_PIXELS
    yield Case(
        "PNG of 60,000 x 60,000 in its header",
        lambda: png(60_000, 60_000, 1, 0, [bytes(7500)] * 100),
        many,
        costly=True,
    )
    yield Case(
        "PNG of 8,000 x 8,000, all of it zeros",
        lambda: png(8000, 8000, 8, 2, [bytes(24_000)] * 8000),
        Made("PNG", 256, 256),
        costly=True,
    )
    yield Case("PNG with a text of 100 MB", text_bomb, Refusal.CORRUPT, costly=True)
    yield Case("GIF of 65,535 x 65,535", gif_bomb, many, costly=True)
    yield Case("GIF with a frame larger than its screen", gif_frame_bomb, many, costly=True)
    yield Case("WebP of 16,383 x 16,383", webp_bomb, many, costly=True)
    yield Case("TIFF of 60,000 x 60,000", partial(tiff_bomb, 60_000), many, costly=True)
    yield Case("TIFF whose strip unpacks to 100 times its size", tiff_strip_bomb, SMALL_TIFF, True)
    yield Case("ICO", lambda: encoded(corners(), "ICO"), UNSUPPORTED)
    yield Case("JPEG of 48 MP", large_jpeg, Made("JPEG", 256, 192), costly=True)


def shapes() -> Iterator[Case]:
    for form in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"):
        yield Case(f"{form} of 1 x 1", partial(plain, form, 1, 1), Made(form, 1, 1))
    for form in ("JPEG", "PNG", "GIF", "TIFF"):
        yield Case(f"{form} of 1 x 65,000", partial(plain, form, 1, 65_000), Made(form, 1, 256))
    for turn in range(1, 9):
        size = (80, 120) if turn > 4 else (120, 80)
        yield Case(
            f"JPEG of orientation {turn}",
            partial(encoded, corners(), "JPEG", exif=exif(orientation=turn)),
            Made("JPEG", *size),
        )


def colours() -> Iterator[Case]:
    cmyk = partial(encoded, corners().convert("CMYK"), "JPEG")
    yield Case("CMYK with a profile", partial(cmyk, icc_profile=all_blue_ink_profile()), SMALL)
    yield Case("CMYK without a profile", cmyk, SMALL)
    for name, depth, kind, row in (
        ("16-bit grey PNG", 16, 0, 240),
        ("16-bit RGB PNG", 16, 2, 720),
        ("1-bit PNG", 1, 0, 15),
    ):
        yield Case(name, partial(png, 120, 80, depth, kind, [b"\x5a" * row] * 80), SMALL_PNG)
    yield Case("palette PNG with alpha", palette, SMALL_PNG)
    yield Case(
        "16-bit grey TIFF", partial(encoded, Image.new("I;16", (120, 80)), "TIFF"), SMALL_TIFF
    )


def several() -> Iterator[Case]:
    """More than one picture: the first is taken."""
    for form in ("GIF", "WEBP", "AVIF", "PNG"):
        name = "APNG" if form == "PNG" else f"animated {form}"
        yield Case(name, partial(animated, form), Made(form, 120, 80))
    yield Case("TIFF of three pages", partial(animated, "TIFF"), SMALL_TIFF)


def metadata_and_coding() -> Iterator[Case]:
    broken = b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40
    yield Case("broken EXIF", partial(encoded, corners(), "JPEG", exif=broken), SMALL)
    yield Case(
        "broken ICC profile", partial(encoded, corners(), "JPEG", icc_profile=b"x" * 200), SMALL
    )
    yield Case("progressive JPEG", partial(encoded, corners(), "JPEG", progressive=True), SMALL)
    yield Case("arithmetic-coded JPEG", arithmetic_jpeg, Made("JPEG", 8, 8))
    yield Case("lossless JPEG", lossless_jpeg, Made("JPEG", 16, 16))
    for form in ("HEIC", "AVIF"):
        yield Case(form, partial(encoded, corners(), form), Made(form, 120, 80))


SMALL = Made("JPEG", 120, 80)
SMALL_PNG = Made("PNG", 120, 80)
SMALL_TIFF = Made("TIFF", 120, 80)
UNSUPPORTED = Refusal.UNSUPPORTED_FORMAT


def cases() -> list[Case]:
    groups = (
        broken_words,
        cut_short,
        polyglots,
        bombs,
        shapes,
        colours,
        several,
        metadata_and_coding,
    )
    return [case for group in groups for case in group()]


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as content:
        content.writestr("photo.jpg", encoded(corners(), "JPEG"))
    return file.getvalue()


def beginning(form: str, share: int) -> bytes:
    whole = encoded(photo(300, 200), form)
    return whole[: len(whole) * share // 100]


def plain(form: str, width: int, height: int) -> bytes:
    return encoded(Image.new("RGB", (width, height), (200, 120, 40)), form)


def palette() -> bytes:
    return encoded(hole().quantize(8), "PNG")


def animated(form: str) -> bytes:
    frames = [
        corners(),
        corners().rotate(180),
        corners().transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    ]
    return encoded(frames[0], form, save_all=True, append_images=frames[1:])


def large_jpeg() -> bytes:
    return encoded(Image.radial_gradient("L").resize((8000, 6000)).convert("RGB"), "JPEG")


def text_bomb() -> bytes:
    """A zTXt chunk of 100 MB, in 100 KB, before the pixels."""
    body = b"zTXt" + b"Comment\0\0" + zlib.compress(bytes(100_000_000))
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    small = png(9, 9, 8, 0, [bytes(9)] * 9)
    return small[:33] + chunk + small[33:]


def gif_bomb() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6) + GIF_FRAME


def gif_frame_bomb() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + GIF_FRAME


GIF_FRAME = b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\2\2\x44\1\0;"
"""One of 65,535 x 65,535, of which there is a single pixel."""


def webp_bomb() -> bytes:
    """The header of a lossless picture: 14 bits each for width and height, less one."""
    pixels = b"\x2f" + struct.pack("<I", 16_382 | 16_382 << 14) + bytes(20)
    chunk = b"VP8L" + struct.pack("<I", len(pixels)) + pixels + bytes(len(pixels) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def tiff_bomb(side: int, height: int = 0, packed: bytes = b"") -> bytes:
    """An 8-bit grey picture in one deflated strip; ``height`` is the width's unless given."""
    strip = packed or zlib.compress(bytes(10_000))
    entries = (
        (256, side),
        (257, height or side),
        (258, 8),
        (259, 8),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height or side),
        (279, len(strip)),
    )
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory + bytes(4)


def tiff_strip_bomb() -> bytes:
    return tiff_bomb(120, 80, zlib.compress(bytes(100 * 120 * 80)))


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def arithmetic_jpeg() -> bytes:
    """Eight by eight pixels of middle grey.

    All that is coded is "no difference" and "end of block". From fresh statistics both lie in the
    lowest interval of the arithmetic coder (the second by its conditional exchange), whose code is
    zero bits only.
    """
    frame = struct.pack(">BHHB3B", 8, 8, 8, 1, 1, 0x11, 0)
    return (
        b"\xff\xd8"
        + _segment(0xDB, b"\0" + b"\1" * 64)
        + _segment(0xC9, frame)
        + _segment(0xDA, bytes((1, 1, 0, 0, 63, 0)))
        + b"\0\0\xff\xd9"
    )


def lossless_jpeg() -> bytes:
    """Sixteen by sixteen pixels of middle grey: 256 differences of none, a zero bit each."""
    frame = struct.pack(">BHHB3B", 8, 16, 16, 1, 1, 0x11, 0)
    table = b"\0" + bytes((1, *[0] * 15)) + b"\0"
    return (
        b"\xff\xd8"
        + _segment(0xC3, frame)
        + _segment(0xC4, table)
        + _segment(0xDA, bytes((1, 1, 0, 1, 0, 0)))
        + bytes(32)
        + b"\xff\xd9"
    )


def document() -> str:
    """The table, in the corpus's order."""
    rows = [f"| {case.name} | {_told(case.becomes)} |" for case in cases()]
    return "\n".join([*INTRODUCTION, *rows, ""])


INTRODUCTION = (
    "# What happens to hostile pictures",
    "",
    f"Taken are {SUPPORTED}, known by their content and never by their name. Each row is a case of",
    "`tests/corpus.py`, proved by `tests/unit/resize/test_hostile.py`; `python -m tests.corpus`",
    f"writes this file. A rendition is shown for a longest side of {SIDE} pixels.",
    "",
    "JPEG and PNG are decoded by the function itself; everything else in a child process with a",
    "limit on memory and time. If that child dies, the reason is `too-costly`.",
    "",
    "| An upload that is | becomes |",
    "| --- | --- |",
)


def _told(becomes: Made | Refusal) -> str:
    if isinstance(becomes, Refusal):
        return f"refused: `{becomes.code}`"
    return f"{becomes.format}, rendition of {becomes.width} x {becomes.height}"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
