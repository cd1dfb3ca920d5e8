"""Generates hostile and unusual originals, with the expected result of each.

``python -m tests.corpus`` writes docs/hostile-pictures.md from it.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image, PngImagePlugin

from services.resize.logic import Limits, Refusal, Spec
from services.resize.pictures.header import BYTES_A_PIXEL
from services.resize.pictures.refusals import SUPPORTED
from tests.pictures import (
    all_blue_ink_profile,
    corners,
    encoded,
    exif,
    exif_bomb,
    exif_directory,
    exif_of,
    hole,
    photo,
    png,
    png_chunk,
    png_of,
    zeros,
)

DOCUMENT = Path(__file__).parents[1] / "docs" / "hostile-pictures.md"

SIDE = 256
LIMITS = Limits()
SPECS = [Spec("web", SIDE)]
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIC")


@dataclass(frozen=True)
class Made:
    """A successful result: the original's format, and the size of its rendition of ``SIDE``."""

    format: str
    width: int
    height: int


@dataclass(frozen=True)
class Case:
    """An original and its expected result.

    ``memory``: the most MB that a separate process, including libraries, or its child may use; 0 if
    it is not measured. ``seconds``: the most CPU time of that process and its child.
    """

    name: str
    make: Callable[[], bytes]
    becomes: Made | Refusal
    memory: int = 0
    limits: Limits = LIMITS
    seconds: float = 60


def broken_words() -> Iterator[Case]:
    """Files that are not pictures, or not supported."""
    no_image = Refusal.NOT_AN_IMAGE
    yield Case("an empty file", bytes, Refusal.EMPTY)
    yield Case("5,000 zero bytes", partial(bytes, 5000), no_image)
    yield Case("HTML", lambda: b"<!DOCTYPE html><html><body>hello</body></html>", no_image)
    yield Case("PDF", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", no_image)
    yield Case("a zip archive with a photo in it", archive, no_image)
    yield Case("a PNG named .jpg", lambda: encoded(corners(), "PNG"), Made("PNG", 120, 80))
    yield Case("text named .png", lambda: b"not a picture, whatever its name says", no_image)


def cut_short() -> Iterator[Case]:
    for form in FORMATS:
        for share in (10, 50, 90):
            yield Case(
                f"{form} cut off at {share} %", partial(beginning, form, share), Refusal.TRUNCATED
            )


def polyglots() -> Iterator[Case]:
    """Files of two kinds at once. The first bytes decide."""
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
    yield Case("GIF's first bytes and JavaScript", lambda: b"GIF89a/*" + b"x" * 99, Refusal.CORRUPT)


def header_bombs() -> Iterator[Case]:
    """Small files whose header declares very many pixels. They are refused before decoding."""
    many = Refusal.TOO_MANY_PIXELS
    for name, make, becomes in (
        ("PNG of 60,000 x 60,000", partial(png, 60_000, 60_000, 1, 0, [bytes(7500)] * 100), many),
        ("GIF of 65,535 x 65,535", partial(gif_bomb, 65_535), many),
        ("GIF with a frame larger than its screen", partial(gif_bomb, 1), many),
        ("WebP of 16,383 x 16,383", partial(webp, 16_383, 16_383), many),
        ("TIFF of 60,000 x 60,000", partial(tiff, 60_000, 60_000, zeros(10_000)), many),
        ("BMP of 60,000 x 60,000", partial(bmp, 60_000, 60_000, bytes(10_000)), many),
        ("JPEG of 65,500 x 65,500", partial(lossless_jpeg, 65_500, 65_500, bytes(99)), many),
        ("HEIC of 60,000 x 60,000", partial(boxes_bomb, "HEIC"), many),
        ("AVIF of 60,000 x 60,000", partial(boxes_bomb, "AVIF"), many),
        ("ICO of a PNG of 60,000 x 60,000", ico_bomb, UNSUPPORTED),
        ("ICO of a bitmap of 60,000 x 60,000", partial(ico_bomb, bitmap=True), UNSUPPORTED),
    ):
        yield Case(name, make, becomes, memory=100)


def bombs() -> Iterator[Case]:
    """Small files that unpack to a large size or take very long."""
    yield Case("PNG with a text of 100 MB", text_bomb, Made("PNG", 9, 9), memory=100)
    yield Case(
        "TIFF whose strip unpacks to 100 times its size", tiff_strip_bomb, SMALL_TIFF, memory=100
    )
    yield Case(
        "TIFF of 120 x 80 in a tile of 60,000 x 60,000",
        tiff_tile_bomb,
        Refusal.CORRUPT,
        memory=100,
    )
    short = replace(LIMITS, seconds=0.3)
    for name, make in (
        ("JPEG of 64 MP in 10,000 scans", partial(scan_bomb, 10_000)),
        ("JPEG with 6,000,000 empty comments", partial(comment_bomb, 6_000_000)),
        ("PNG with 2,000,000 empty chunks", partial(chunk_bomb, 2_000_000)),
    ):
        yield Case(f"{name}, in a third of a second", make, Refusal.TOO_COSTLY, 300, short)


def metadata_bombs() -> Iterator[Case]:
    """Metadata that a reader of all values takes minutes and gigabytes for."""
    fractions = "120 lists of fractions in the same bytes"
    for form, size, memory in (
        ("JPEG", 12_000_000, 150),
        ("PNG", 24_000_000, 150),
        ("WEBP", 8_000_000, 120),
        ("AVIF", 8_000_000, 150),
        ("HEIC", 8_000_000, 170),
        ("TIFF", 8_000_000, 120),
    ):
        bomb = partial(with_exif_bomb, form, size)
        becomes = Made(form, 120, 80)
        yield Case(f"{form} whose EXIF data has {fractions}", bomb, becomes, memory, seconds=3)
    for tag, meaning in (
        (274, "its orientation"),
        (282, "its resolution"),
        (700, "its XMP packet"),
        (34675, "its colour profile"),
        (0xC000, "an unknown tag"),
    ):
        bomb = partial(tiff_list_bomb, tag, 1_000_000)
        name = f"TIFF with 1,000,000 fractions as {meaning}"
        yield Case(name, bomb, SMALL_TIFF, 120, seconds=3)
    header = b"http://ns.adobe.com/xap/1.0/\0"
    packets, blocks = (
        header + b" dc:creator" * 5000,
        b"Photoshop 3.0\0" + b"8BIM\4\5\0\0\0\0\0\0" * 5400,
    )
    tables = (b"\0" + b"\1" * 64) * 1000
    for title, make, becomes in (
        ("JPEG with 190 XMP packets", partial(segment_bomb, 0xE1, packets), SMALL),
        ("JPEG with 1,000,000 Photoshop blocks", partial(segment_bomb, 0xED, blocks), SMALL),
        ("JPEG with 190,000 quantization tables", partial(segment_bomb, 0xDB, tables), SMALL),
        ("AVIF with an XMP packet of 8 MB", xmp_bomb, Made("AVIF", 120, 80)),
        ("PNG with 60 EXIF blocks as text", raw_profile_bomb, SMALL_PNG),
        ("EXIF directory that contains itself", exif_loop, SMALL),
    ):
        yield Case(title, make, becomes, 200, seconds=3)


def imperfect() -> Iterator[Case]:
    """Complete files with defects, and valid ones of unusual kinds."""
    for form, cut in (("JPEG", 2), ("GIF", 2), ("PNG", 12), ("BMP", 1)):
        name = "short of a byte" if form == "BMP" else "without an end marker"
        make = partial(short, encoded(corners(), form), cut)
        yield Case(f"{form} {name}", make, Made(form, 120, 80))
    for name, chunk in (
        ("a wrong checksum of a text", png_chunk(b"tEXt", b"Comment\0text")[:-1] + b"?"),
        ("a short gAMA chunk", png_chunk(b"gAMA", b"\0\0")),
        ("a profile of 100 MB", png_chunk(b"iCCP", b"p\0\0" + zeros(100_000_000))),
    ):
        yield Case(f"PNG with {name}", partial(_png_with, chunk), Made("PNG", 9, 9), memory=120)
    variant = Refusal.UNSUPPORTED_VARIANT
    yield Case("TIFF with WebP inside", partial(tiff, 120, 80, bytes(99), coding=50001), variant)
    yield Case("JPEG of 12 bits", partial(lossless_jpeg, 120, 80, bits=12), variant)


def short(whole: bytes, count: int) -> bytes:
    return whole[:-count]


def large_pictures() -> Iterator[Case]:
    """Pictures of 48 MP, like a phone's, in every format."""
    for form, memory in (
        ("JPEG", 100),
        ("PNG", 300),
        ("WEBP", 1000),
        ("GIF", 400),
        ("TIFF", 400),
        ("BMP", 200),
        ("AVIF", 300),
        ("HEIC", 250),
    ):
        yield Case(f"{form} of 48 MP", partial(large, form), Made(form, 256, 192), memory)


def vectors() -> Iterator[Case]:
    """SVG: a few bytes can take any memory and time."""
    group = b"<g>" * 100_000 + b"</g>" * 100_000
    entities = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 12))
    lol = b'<!DOCTYPE svg [<!ENTITY e0 "lol">' + entities + b"]>" + svg(b"<desc>&e11;</desc>")
    yield Case("SVG", partial(svg, b'<rect width="9" height="9"/>'), Made("SVG", 120, 80))
    yield Case("SVG with text", partial(svg, b"<text>text</text>"), Refusal.UNSUPPORTED_VARIANT)
    yield Case("SVG with entities of 300 GB", lambda: lol, Refusal.CORRUPT, memory=100)
    yield Case("SVG of 20,000 x 20,000", partial(svg, b"", 20_000, 20_000), TOO_COSTLY, 100)
    yield Case("SVG with 100,000 groups in groups", partial(svg, group), TOO_COSTLY, 300)


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
    """Files with several pictures. The first is processed."""
    for form in ("GIF", "WEBP", "AVIF", "PNG"):
        name = "APNG" if form == "PNG" else f"animated {form}"
        yield Case(name, partial(animated, form), Made(form, 120, 80))
    yield Case("TIFF of three pages", partial(animated, "TIFF"), SMALL_TIFF)
    for name, make, form in (
        ("GIF of 100,000 frames", partial(gif_frames, 100_000), "GIF"),
        ("WebP of 10,000 frames", partial(webp_frames, 10_000), "WEBP"),
        ("APNG of 10,000 frames", partial(apng_frames, 10_000), "PNG"),
        ("TIFF of 10,000 pages", partial(tiff_pages, 10_000), "TIFF"),
        ("TIFF whose page is followed by itself", partial(tiff_pages, 1, again=True), "TIFF"),
    ):
        yield Case(name, make, Made(form, 120, 80), memory=100)


def metadata_and_coding() -> Iterator[Case]:
    broken = b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40
    yield Case("broken EXIF", partial(encoded, corners(), "JPEG", exif=broken), SMALL)
    yield Case(
        "broken ICC profile", partial(encoded, corners(), "JPEG", icc_profile=b"x" * 200), SMALL
    )
    yield Case("progressive JPEG", partial(encoded, corners(), "JPEG", progressive=True), SMALL)
    for width, height in ((300, 200), (3300, 2200)):
        for name, make in (("arithmetic-coded", arithmetic_jpeg), ("lossless", lossless_jpeg)):
            yield Case(
                f"{name} JPEG of {width} x {height}",
                partial(make, width, height),
                Made("JPEG", 256, 171),
            )
    for form in ("HEIC", "AVIF"):
        yield Case(form, partial(encoded, corners(), form), Made(form, 120, 80))
    for form in ("JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"):
        make = partial(with_all_metadata, form)
        yield Case(f"{form} with EXIF, IPTC and XMP data", make, Made(form, 120, 80))


SMALL = Made("JPEG", 120, 80)
SMALL_PNG = Made("PNG", 120, 80)
SMALL_TIFF = Made("TIFF", 120, 80)
UNSUPPORTED = Refusal.UNSUPPORTED_FORMAT
TOO_COSTLY = Refusal.TOO_COSTLY


def cases() -> list[Case]:
    groups = (
        broken_words,
        cut_short,
        polyglots,
        header_bombs,
        bombs,
        metadata_bombs,
        imperfect,
        large_pictures,
        vectors,
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


def large(form: str) -> bytes:
    """48 MP in one colour; in grey if the encoder would take seconds for three channels."""
    if form == "PNG":
        return png_of(8000, 6000, 8, 2, zeros(6000 * (1 + 3 * 8000)))
    if form == "TIFF":
        return tiff(8000, 6000, zeros(3 * 8000 * 6000), samples=3)
    if form == "WEBP":
        return webp(8000, 6000)
    fast = {
        "AVIF": {"speed": 10, "quality": 10},
        "HEIC": {"quality": 10, "enc_params": {"preset": "ultrafast"}},
    }
    mode = "L" if form in {"GIF", "BMP", "HEIC", "AVIF"} else "RGB"
    return encoded(Image.new(mode, (8000, 6000)), form, **fast.get(form, {}))


def svg(content: bytes, width: int = 120, height: int = 80) -> bytes:
    head = b'<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d">' % (width, height)
    return head + content + b"</svg>"


def text_bomb() -> bytes:
    """A zTXt chunk of 100 MB, in 100 KB, before the pixels."""
    return _png_with(png_chunk(b"zTXt", b"Comment\0\0" + zeros(100_000_000)))


def chunk_bomb(count: int) -> bytes:
    return _png_with(png_chunk(b"prVt", b"") * count)


def _png_with(chunks: bytes) -> bytes:
    """A small PNG with these chunks between its header and its pixels."""
    small = png(9, 9, 8, 0, [bytes(9)] * 9)
    return small[:33] + chunks + small[33:]


def comment_bomb(count: int) -> bytes:
    small = encoded(corners(), "JPEG")
    return small[:2] + _segment(0xFE, b"") * count + small[2:]


def scan_bomb(count: int) -> bytes:
    """8,000 x 8,000 grey pixels; every scan except the first is empty, in few bytes.

    Each Huffman table has one code, a single zero bit. For the mean of a block it means "no
    difference". For the other values it means "the next 16,384 blocks end here" (14 more bits
    would add to that number).
    """
    frame = struct.pack(">BHHB3B", 8, 8000, 8000, 1, 1, 0x11, 0)
    one_code = bytes((1, *[0] * 15))
    blocks = 1000 * 1000
    scan = _segment(0xDA, bytes((1, 1, 0, 1, 63, 0))) + bytes(blocks // 16_384 * 15 // 8 + 2)
    return (
        b"\xff\xd8"
        + _segment(0xDB, b"\0" + b"\1" * 64)
        + _segment(0xC2, frame)
        + _segment(0xC4, b"\0" + one_code + b"\0")
        + _segment(0xC4, b"\x10" + one_code + b"\xe0")
        + _segment(0xDA, bytes((1, 1, 0, 0, 0, 0)))
        + bytes(blocks // 8)
        + scan * count
        + b"\xff\xd9"
    )


def segment_bomb(marker: int, body: bytes) -> bytes:
    """A small JPEG with this segment 190 times, before its others."""
    small = encoded(corners(), "JPEG")
    return small[:2] + _segment(marker, body[:65_000]) * 190 + small[2:]


def with_exif_bomb(form: str, size: int) -> bytes:
    """A picture of 120 x 80 with ``exif_bomb(size)``."""
    bomb = exif_bomb(size)
    if form == "JPEG":
        parts = (bomb[at : at + 65_000] for at in range(0, len(bomb), 65_000))
        small = encoded(corners(), form)
        without_resolution = small[4 + int.from_bytes(small[4:6]) :]
        segments = (_segment(0xE1, b"Exif\0\0" + part) for part in parts)
        return small[:2] + b"".join(segments) + without_resolution
    if form == "PNG":
        small = encoded(corners(), form)
        return small[:33] + png_chunk(b"eXIf", bomb) + small[33:]
    if form == "TIFF":
        return tiff_exif_bomb(size)
    if form == "AVIF":  # whose encoder reads the whole block
        place = exif(make="x" * len(bomb))
        body = encoded(corners(), form, exif=place)
        start = body.index(place.removeprefix(b"Exif\0\0")[:8], body.index(b"mdat"))
        return body[:start] + bomb + body[start + len(bomb) :]
    return encoded(corners(), form, exif=bomb)


def xmp_bomb() -> bytes:
    return encoded(corners(), "AVIF", xmp=b" dc:creator =" * 600_000)


def raw_profile_bomb() -> bytes:
    """60 compressed texts of 900 KB."""
    text = b"\nexif\n  450000\n" + (b"4949" + b"2a000800" * 112_000)
    chunk = png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text, 1))
    small = encoded(corners(), "PNG")
    return small[:33] + chunk * 60 + small[33:]


def exif_loop() -> bytes:
    """Every pointer points to the first directory."""
    pointers = [(0x8769, 4, 1, 8), (0x8825, 4, 1, 8)]
    block = b"II*\0\x08\0\0\0" + exif_directory(pointers, following=8)
    return encoded(corners(), "JPEG", exif=b"Exif\0\0" + block)


def with_all_metadata(form: str) -> bytes:
    """A picture with a camera, a time, a position and a credit, in every kind of metadata."""
    others = {700: ALL_XMP, 33723: ALL_IPTC} if form == "TIFF" else {}
    block = exif_of(
        {0x010F: "Maker", 0x0110: "Model", 0x013B: "Artist", 0x8298: "Copyright", **others},
        {0x9003: "2024:05:01 12:30:45", 0x9011: "+02:00"},
        {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)},
    )
    if form == "TIFF":
        return encoded(corners(), form, exif=block)
    if form == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", ALL_XMP.decode())
        return encoded(corners(), form, exif=block, pnginfo=texts)
    body = encoded(corners(), form, exif=block, xmp=ALL_XMP)
    if form != "JPEG":
        return body
    photoshop = b"8BIM\4\4\0\0" + struct.pack(">I", len(ALL_IPTC)) + ALL_IPTC
    return body[:2] + _segment(0xED, b"Photoshop 3.0\0" + photoshop) + body[2:]


ALL_XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" exif:GPSLatitude="52,31.2N"
 photoshop:DateCreated="2024-05-01T12:30:45+02:00" photoshop:Credit="Agency &amp; Co">
 <dc:creator><rdf:Seq><rdf:li>Name</rdf:li></rdf:Seq></dc:creator>
 <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">&#169; Name</rdf:li></rdf:Alt></dc:rights>
 </rdf:Description></rdf:RDF></x:xmpmeta>"""
ALL_IPTC = b"\x1c\2\x50\0\4Name\x1c\2\x6e\0\6Agency\x1c\2\x74\0\6Rights"


def gif_bomb(screen: int) -> bytes:
    """A frame of 65,535 x 65,535 with data for a single pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", screen, screen, 0x80, 0, 0) + bytes(6)
    return head + gif_frame(65_535, 65_535) + b";"


def gif_frame(width: int, height: int) -> bytes:
    return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2\2\x44\1\0"


def gif_frames(count: int) -> bytes:
    return encoded(corners(), "GIF")[:-1] + gif_frame(1, 1) * (count - 1) + b";"


def webp(width: int, height: int) -> bytes:
    """A black lossless picture: its size minus one, and five codes of one symbol, zero.

    A pixel takes no bits, so that a picture of any size has 34 bytes.
    """
    size = width - 1 | height - 1 << 14
    codes = sum(0b0001 << 3 + 4 * n for n in range(5))  # after three bits: no transforms
    return _riff(_webp_chunk(b"VP8L", b"\x2f" + struct.pack("<IQ", size, codes)))


def webp_frames(count: int) -> bytes:
    pixels = webp(120, 80)[12:]
    size = struct.pack("<I", 119)[:3] + struct.pack("<I", 79)[:3]
    frame = _webp_chunk(b"ANMF", bytes(6) + size + bytes(4) + pixels)
    animated_canvas = _webp_chunk(b"VP8X", bytes((2, 0, 0, 0)) + size)
    return _riff(animated_canvas + _webp_chunk(b"ANIM", bytes(6)) + frame * count)


def _riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def _webp_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def apng_frames(count: int) -> bytes:
    """All frames except the first are a single pixel."""
    first = png(120, 80, 8, 0, [bytes(120)] * 80)
    head, pixels, end = first[:33], first[33:-12], first[-12:]
    control = struct.pack(">IIIIHHBB", 120, 80, 0, 0, 1, 10, 0, 0)
    small = struct.pack(">IIIIHHBB", 1, 1, 0, 0, 1, 10, 0, 0)
    body = png_chunk(b"acTL", struct.pack(">II", count, 0))
    body += png_chunk(b"fcTL", bytes(4) + control) + pixels
    pixel = zeros(2)
    frames = (
        png_chunk(b"fcTL", struct.pack(">I", n) + small)
        + png_chunk(b"fdAT", struct.pack(">I", n + 1) + pixel)
        for n in range(1, 2 * count - 1, 2)
    )
    return b"".join((head, body, *frames, end))


def boxes_bomb(form: str) -> bytes:
    """A small picture whose size box declares 60,000 x 60,000."""
    small = encoded(corners(), form)
    at = small.index(b"ispe") + 8
    return small[:at] + struct.pack(">II", 60_000, 60_000) + small[at + 8 :]


def ico_bomb(*, bitmap: bool = False) -> bytes:
    """An icon whose picture is larger than its directory can state, which has a byte a side."""
    content = png(60_000, 60_000, 1, 0, [bytes(7500)] * 100)
    if bitmap:
        content = bmp(60_000, 60_000, bytes(10_000))[14:]
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 24, len(content), 22) + content


def bmp(width: int, height: int, pixels: bytes) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels


Entry = tuple[int, int]
"""An entry of a TIFF's directory: tag and value."""

DEFLATE = 8
"""TIFF's code of this compression."""


def tiff(width: int, height: int, strip: bytes, samples: int = 1, coding: int = DEFLATE) -> bytes:
    """A picture with 8 bits a sample, in one compressed strip."""
    kind = 1 if samples == 1 else 2
    entries = (*_tiff_head(width, height, kind, coding), (273, 8), (277, samples), (278, height))
    return _tiff_file(strip, directory((*entries, (279, len(strip))), 0))


def tiff_tile_bomb() -> bytes:
    """Pixels in one tile, for which a naive decoder would reserve 3.6 GB."""
    tile = zeros(10_000)
    entries = (*_tiff_head(120, 80, 1), (277, 1), (322, 60_000), (323, 60_000))
    return _tiff_file(tile, directory((*entries, (324, 8), (325, len(tile))), 0))


def tiff_exif_bomb(size: int) -> bytes:
    """A TIFF whose directories of photo and position have lists in the same bytes."""
    pixels = zeros(120 * 80) + struct.pack("<I", 1) * (size // 4)
    lists = [(tag, 5, size // 8, 8 + len(zeros(120 * 80))) for tag in range(0xC000, 0xC000 + 60)]
    start = 8 + len(pixels)
    inner = exif_directory(lists)
    entries = [(tag, 4, 1, value) for tag, value in _small_tiff()]
    entries += [(0x8769, 4, 1, start), (0x8825, 4, 1, start)]
    return _tiff_file(pixels + inner, exif_directory(entries))


def tiff_list_bomb(tag: int, count: int) -> bytes:
    """A TIFF whose tag has this many fractions."""
    pixels = zeros(120 * 80)
    entries = [(tag, 4, 1, value) for tag, value in _small_tiff()]
    entries = sorted([*entries, (tag, 5, count, 8 + len(pixels))])
    return _tiff_file(pixels + struct.pack("<I", 1) * count * 2, exif_directory(entries))


def _small_tiff() -> Sequence[Entry]:
    return (*_tiff_head(120, 80, 1), (273, 8), (277, 1), (278, 80), (279, len(zeros(120 * 80))))


def tiff_pages(count: int, *, again: bool = False) -> bytes:
    """Pages with the same strip. ``again``: the last page is followed by the first."""
    strip = zeros(120 * 80)
    entries = (*_tiff_head(120, 80, 1), (273, 8), (277, 1), (278, 80), (279, len(strip)))
    length, start = len(directory(entries, 0)), 8 + len(strip)
    following = [start + n * length for n in range(1, count)] + [start if again else 0]
    return _tiff_file(strip, b"".join(directory(entries, at) for at in following))


def _tiff_head(width: int, height: int, kind: int, coding: int = DEFLATE) -> Sequence[Entry]:
    """Entries for size, 8 bits a sample and compression; ``kind``: 1 for grey, 2 for RGB."""
    return (256, width), (257, height), (258, 8), (259, coding), (262, kind)


def _tiff_file(pixels: bytes, directories: bytes) -> bytes:
    return b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + directories


def directory(entries: Sequence[Entry], following: int) -> bytes:
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return struct.pack("<H", len(entries)) + body + struct.pack("<I", following)


def tiff_strip_bomb() -> bytes:
    return tiff(120, 80, zeros(100 * 120 * 80))


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def arithmetic_jpeg(width: int, height: int) -> bytes:
    """Middle grey, with a restart after each block of 8 x 8 pixels.

    The only coded values are "no difference" and "end of block". A restart resets the statistics.
    Then both values are in the lowest interval of the arithmetic coder (the second one by its
    conditional exchange), whose code consists of zero bits.
    """
    blocks = -(-width // 8) * -(-height // 8)
    coded = b"".join(bytes((0, 0, 0xFF, 0xD0 + n % 8)) for n in range(blocks))
    return (
        b"\xff\xd8"
        + _segment(0xDB, b"\0" + b"\1" * 64)
        + _segment(0xC9, struct.pack(">BHHB3B", 8, height, width, 1, 1, 0x11, 0))
        + _segment(0xDD, struct.pack(">H", 1))
        + _segment(0xDA, bytes((1, 1, 0, 0, 63, 0)))
        + coded[:-2]
        + b"\xff\xd9"
    )


def lossless_jpeg(width: int, height: int, coded: bytes = b"", bits: int = 8) -> bytes:
    """Middle grey: the difference of each pixel is zero, which is a zero bit."""
    return (
        b"\xff\xd8"
        + _segment(0xC3, struct.pack(">BHHB3B", bits, height, width, 1, 1, 0x11, 0))
        + _segment(0xC4, b"\0" + bytes((1, *[0] * 15)) + b"\0")
        + _segment(0xDA, bytes((1, 1, 0, 1, 0, 0)))
        + (coded or bytes(-(-width * height // 8)))
        + b"\xff\xd9"
    )


def document() -> str:
    """The text of docs/hostile-pictures.md: a table in the order of the corpus."""
    rows = [f"| {case.name} | {_result(case.becomes)} | {_memory(case)} |" for case in cases()]
    return "\n".join([*INTRODUCTION, *rows, ""])


def _caps() -> str:
    """The most megapixels of each format, by its measured cost and the memory limit."""
    caps = {form: min(LIMITS.pixels, LIMITS.memory // BYTES_A_PIXEL[form]) for form in FORMATS}
    return ", ".join(f"{form} {cap / 1e6:.0f}" for form, cap in caps.items())


INTRODUCTION = (
    "# Hostile pictures and their results",
    "",
    f"Supported formats: {SUPPORTED}.",
    "The content of a file decides its format, not its name. Each row is a case of",
    "`tests/corpus.py` and is tested by `tests/unit/resize/test_hostile.py`.",
    "`python -m tests.corpus` writes this file. Sizes of renditions are for a longest side of",
    f"{SIDE} pixels.",
    "",
    "The function itself decodes JPEG and PNG files with a usual structure (at most 100 scans,",
    "or 100 chunks without pixels) and WebP files of one lossy picture without transparency. It",
    "decodes all other files, and those that fail, in a child process with limits on memory and",
    f"time ({LIMITS.seconds:.0f} s). If the child exceeds a limit or crashes, the reason is",
    "`too-costly`. On macOS memory is not limited, because the system ignores such a limit. The",
    "limits on pixels apply there, too.",
    "",
    "Metadata is read by single values: from at most 1,000 entries in each of three EXIF",
    "directories, 1,000 datasets of an IPTC record, and the first 512 KB of an XMP packet.",
    "Pillow's EXIF reader, which expands every list, is not used.",
    "",
    "The last column is the peak memory of a process, including libraries, or of its child; the",
    f"test fails above it. A header may declare {LIMITS.pixels / 1e6:.0f} MP, and fewer for",
    f"formats that need more memory: {_caps()}.",
    "",
    "| upload | result | peak memory at most |",
    "| --- | --- | --- |",
)


def _result(becomes: Made | Refusal) -> str:
    if isinstance(becomes, Refusal):
        return f"refused: `{becomes.code}`"
    return f"{becomes.format}, rendition of {becomes.width} x {becomes.height}"


def _memory(case: Case) -> str:
    return f"{case.memory} MB" if case.memory else ""


if __name__ == "__main__":
    DOCUMENT.write_text(document())
