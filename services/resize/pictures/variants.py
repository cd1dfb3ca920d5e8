"""Names what is unusual about a valid file that cannot be decoded."""

import io
import re
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress

from PIL import BmpImagePlugin

from services.resize.pictures import jpeg, repair_png
from services.resize.pictures.tiff import Tiff

Tags = Mapping[int, tuple[int, ...]]

MAX_VALUES, MAX_ENTRIES = 8, 2**16
"""Values of a tag and entries of a directory that are read."""

SHORT, LONG, LONG8 = 3, 4, 16
TIFF_TYPES = {SHORT: "H", LONG: "I", LONG8: "Q"}

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIPS, SAMPLES, PLANAR, TILES, SAMPLE_FORMAT = 273, 277, 284, 324, 339
MEDIA_PHOTO = 0xBC01
BIG_ENDIAN_BIGTIFF = b"MM\0+"

COMPRESSIONS = {
    6: "old JPEG",
    9: "JBIG",
    10: "JBIG",
    32766: "NeXT",
    32767: "Sony ARW",
    32769: "packed raw",
    32771: "CCITT RLE with words",
    32809: "ThunderScan",
    32895: "IT8",
    32896: "IT8",
    32897: "IT8",
    32898: "IT8",
    32908: "Pixar film",
    32909: "Pixar log",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34676: "SGI log",
    34677: "SGI log, 24 bits",
    34712: "JPEG 2000",
    34713: "Nikon NEF",
    34715: "JBIG2",
    34887: "LERC",
    34892: "lossy JPEG",
    34925: "LZMA",
    34926: "Zstandard",
    34927: "WebP",
    34933: "PNG",
    34934: "JPEG XR",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
"""TIFF's compressions that are rare."""

COMMON_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 7, 8, 32773, 32946})
"""TIFF's compressions that the decoder has: a failure is damage."""

PHOTOMETRICS = {
    0: "white is zero",
    1: "black is zero",
    2: "RGB",
    3: "palette",
    4: "mask",
    5: "CMYK",
    6: "YCbCr",
    8: "CIELAB",
    9: "ICCLAB",
    10: "ITULAB",
    32803: "colour filter array",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear raw",
}
SAMPLE_FORMATS = {
    2: ", signed",
    3: ", floating point",
    4: ", undefined",
    5: ", complex",
    6: ", complex",
}

BMP_COMPRESSIONS = {
    4: "an embedded JPEG",
    5: "an embedded PNG",
    6: "bit masks with alpha",
    11: "CMYK",
    12: "CMYK, RLE of 8 bits",
    13: "CMYK, RLE of 4 bits",
}
OS2_COMPRESSIONS = {3: "OS/2's Huffman coding", 4: "OS/2's RLE of 24 bits"}
OS2_HEADER, OS2_FIRST_HEADER, OS2_SHORT_HEADER = 64, 12, 16
"""Bytes. The first one has no field for a compression."""

BITFIELDS, RARE_DEPTHS = 3, frozenset({2, 64})

CODECS = {
    b"avc1": "AVC",
    b"jpeg": "JPEG",
    b"j2k1": "JPEG 2000",
    b"vvc1": "VVC",
    b"evc1": "EVC",
    b"lhv1": "layered HEVC",
    b"unci": "uncompressed pixels",
}
"""Codecs of items in a HEIF container that are not decoded."""

OWN_CODEC = {"HEIC": b"hvc1", "AVIF": b"av01"}
ITEM = re.compile(rb"infe(?:\x02.{7}|\x03.{9})(....)", re.DOTALL)
"""An item's entry: version, flags, number, protection, and its type."""

NOT_IMPLEMENTED = re.compile(r"unsupported|not implemented|not supported", re.IGNORECASE)


def variant_of(kind: str, original: bytes, error: str) -> str | None:
    """The kind of a file that Pillow cannot decode, or None if it is a usual one.

    ``error`` is the decoder's message.
    """
    with suppress(Exception):  # the header is damaged
        return VARIANTS[kind](original, error)
    return None


def _tiff(original: bytes, _: str) -> str | None:
    tags = tiff_tags(original)
    if not {WIDTH, HEIGHT} <= tags.keys() or not tags.keys() & {STRIPS, TILES}:
        return "TIFF of Windows Media Photo" if MEDIA_PHOTO in tags else None
    if original.startswith(BIG_ENDIAN_BIGTIFF):  # Pillow reads only those in little-endian order
        return "BigTIFF in big-endian order"
    compression = tags.get(COMPRESSION, (1,))[0]
    if compression not in COMMON_COMPRESSIONS:
        return f"TIFF with compression {compression} ({COMPRESSIONS.get(compression, 'unknown')})"
    try:
        Tiff(io.BytesIO(original))
    except Exception:  # noqa: BLE001 - the directory is whole, so Pillow does not know this kind
        return f"TIFF with {_tiff_samples(tags)}"
    return None


def _tiff_samples(tags: Tags) -> str:
    """The samples in words: colours, number, bits, format, planes."""
    photometric, form, planar = (
        tags.get(tag, default)[0]
        for tag, default in ((PHOTOMETRIC, (0,)), (SAMPLE_FORMAT, (1,)), (PLANAR, (1,)))
    )
    bits = tags.get(BITS, (1,))
    samples = tags.get(SAMPLES, (len(bits),))[0]
    colours = PHOTOMETRICS.get(photometric, f"photometric {photometric}")
    depths = "/".join(str(depth) for depth in sorted(set(bits)))
    planes = ", in planes" if planar == 2 else ""  # noqa: PLR2004 - the tag's value
    return f"{colours}, {samples} x {depths} bits{SAMPLE_FORMATS.get(form, '')}{planes}"


def tiff_tags(original: bytes) -> Tags:
    """The whole numbers in the first directory of a TIFF or BigTIFF, at most eight of each tag."""
    order = "<" if original[:2] == b"II" else ">"
    is_big = original[2:4] in {b"+\0", b"\0+"}
    offset, count, entry = ("Q", "Q", "HHQ") if is_big else ("I", "H", "HHI")
    (at,) = struct.unpack_from(order + offset, original, 8 if is_big else 4)
    (entries,) = struct.unpack_from(order + count, original, at)
    at += struct.calcsize(order + count)
    width = struct.calcsize(order + offset)
    size = struct.calcsize(order + entry) + width
    tags = {}
    for start in range(at, at + min(entries, MAX_ENTRIES) * size, size):
        tag, form, length = struct.unpack_from(order + entry, original, start)
        if form not in TIFF_TYPES or not length:
            continue
        here = start + struct.calcsize(order + entry)
        if length * struct.calcsize(order + TIFF_TYPES[form]) > width:
            (here,) = struct.unpack_from(order + offset, original, here)
        values = f"{order}{min(length, MAX_VALUES)}{TIFF_TYPES[form]}"
        with suppress(struct.error):  # the values are outside the file
            tags[tag] = struct.unpack_from(values, original, here)
    return tags


def _jpeg(original: bytes, _: str) -> str | None:
    frame = next(s for s in jpeg.segments(original) if s.marker in jpeg.FRAMES | {jpeg.HIERARCHY})
    bits, height, components = frame.head[4], int.from_bytes(frame.head[5:7]), frame.head[9]
    if frame.marker in jpeg.HIERARCHICAL:
        return "hierarchical JPEG"
    if bits != 8:  # noqa: PLR2004 - the usual depth
        return f"{'lossless ' * (frame.marker in jpeg.LOSSLESS)}JPEG with {bits} bits a sample"
    if frame.marker in jpeg.LOSSLESS and frame.marker in jpeg.ARITHMETIC:
        return "lossless JPEG with arithmetic coding"
    if components not in {1, 3, 4}:
        return f"JPEG with {components} components"
    return "JPEG whose height follows its pixels" if height == 0 else None


def _png(original: bytes, _: str) -> str | None:
    first = next(repair_png.chunks(original))
    return "PNG of an iOS app (CgBI)" if first.name == b"CgBI" else None


def _bmp(original: bytes, _: str) -> str | None:  # noqa: PLR0911 - one for each kind
    header, bits, compression = struct.unpack_from("<I10xHI", original, 14)
    if header == OS2_SHORT_HEADER:
        return "BMP with OS/2's short header"
    if header == OS2_FIRST_HEADER:
        (bits,), compression = struct.unpack_from("<H", original, 24), 0
    if header == OS2_HEADER and compression in OS2_COMPRESSIONS:
        return f"BMP with {OS2_COMPRESSIONS[compression]}"
    if compression in BMP_COMPRESSIONS:
        return f"BMP with {BMP_COMPRESSIONS[compression]}"
    if bits in RARE_DEPTHS:
        return f"BMP with {bits} bits a pixel"
    if compression != BITFIELDS:
        return None
    try:
        BmpImagePlugin.BmpImageFile(io.BytesIO(original))
    except OSError:
        masks = struct.unpack_from("<3I", original, 54)
        return f"BMP with {bits} bits a pixel in the masks {', '.join(f'{m:x}' for m in masks)}"
    return None


def _boxes(kind: str) -> Callable[[bytes, str], str | None]:
    def variant(original: bytes, error: str) -> str | None:
        types = {item[1] for item in ITEM.finditer(original)}
        if OWN_CODEC[kind] not in types:
            for codec, name in CODECS.items():
                if codec in types:
                    return f"HEIF with {name}"
            if not types and b"moov" in original:
                return f"{kind} sequence without a still picture"
        return f"{kind} with rare features" if NOT_IMPLEMENTED.search(error) else None

    return variant


VARIANTS: Mapping[str, Callable[[bytes, str], str | None]] = {
    "TIFF": _tiff,
    "JPEG": _jpeg,
    "PNG": _png,
    "BMP": _bmp,
    "HEIC": _boxes("HEIC"),
    "AVIF": _boxes("AVIF"),
    "GIF": lambda _original, _error: None,
    "WEBP": lambda _original, _error: None,
    "SVG": lambda _original, _error: None,
}
