"""Decides whether a file can be decoded in the service itself.

The decoders of JPEG and PNG take no more memory and time than the header suggests, if the file has
a usual number of parts. A million empty parts, or a thousand scans over the same pixels, take
minutes but only a few megabytes. Such a file is decoded in a child process, like all other formats.

A WebP is plain if it has one lossy picture without transparency. That is a VP8 key frame, which the
decoder reads once, macroblock by macroblock, with at most 400 coefficients each. Its tables have a
fixed size, its row buffers depend on the width, and it stops where the data of a partition ends. So
time and memory depend on the pixels alone. A lossless picture, which also codes transparency, may
declare 65,536 groups of Huffman tables: hundreds of megabytes from a small file. Animations are
canvases that are drawn again for each frame. Both are decoded in a child process.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice

from services.resize.pictures import jpeg, webp
from services.resize.pictures.exif import PREFIX
from services.resize.pictures.truncation import png_names

MAX_SCANS = 100
"""A progressive JPEG has about ten. Even an empty scan over 64 MP takes 5 ms."""

MAX_SEGMENTS = 200
"""Segments before a JPEG's first scan. A profile and a depth map need about 100, of 64 KB each."""

MAX_PARSED = 20
"""Segments that Pillow takes apart, of 64 KB each: quantization tables and Photoshop's blocks take
up to 9 ms. It also joins segments of EXIF data, which copies all earlier ones."""

PARSED = frozenset({0xDB, 0xED})

MAX_CHUNKS = 100
"""Chunks of a PNG without pixels. Each profile that unpacks to a megabyte takes 2 ms."""

MAX_PIXEL_CHUNKS = 10_000
"""Chunks of a PNG with pixels. libpng writes 8 KB in each, which is 80 MB; others write more."""

MAX_WEBP_CHUNKS = 8
"""Chunks of a WebP with one picture: a header, a profile, the picture, EXIF, XMP, and others."""

PIXELS = frozenset({b"IDAT", b"fdAT"})

ANIMATION = b"acTL"
"""The chunk of an animated PNG, which is not plain: its frames take any amount of time."""


def is_plain(kind: str, original: bytes) -> bool:
    """Whether the file has a plain format (JPEG, PNG, WebP) and a usual structure."""
    return kind in PLAIN_FORMATS and PLAIN_FORMATS[kind](original)


def _is_plain_jpeg(original: bytes) -> bool:
    segments = list(islice(jpeg.segments(original), MAX_SEGMENTS))
    frames = [segment for segment in segments if segment.marker in jpeg.FRAMES]
    if len(frames) != 1 or segments[-1].marker != jpeg.SCAN:
        return False
    if sum(map(_is_parsed, segments)) > MAX_PARSED:
        return False
    return jpeg.scans(original, frames[0], segments[-1]) <= MAX_SCANS


def _is_parsed(segment: jpeg.Segment) -> bool:
    return segment.marker in PARSED or segment.head.endswith(PREFIX)


def _is_plain_png(original: bytes) -> bool:
    names = Counter(islice(png_names(original), MAX_CHUNKS + MAX_PIXEL_CHUNKS))
    with_pixels = sum(names[name] for name in PIXELS)
    others = names.total() - with_pixels
    return with_pixels < MAX_PIXEL_CHUNKS and others <= MAX_CHUNKS and ANIMATION not in names


def _is_plain_webp(original: bytes) -> bool:
    """Whether the file is one lossy picture, as large as its canvas, with whole chunks."""
    found = list(islice(webp.chunks(original), MAX_WEBP_CHUNKS + 1))
    names = [chunk.name for chunk in found]
    if len(found) > MAX_WEBP_CHUNKS or names.count(webp.LOSSY) != 1 or WEBP_UNPLAIN & {*names}:
        return False
    if any(chunk.at + chunk.length > len(original) for chunk in found):
        return False
    size = webp.lossy_size(original, found[names.index(webp.LOSSY)])
    if names[0] == webp.EXTENDED:
        return size == webp.canvas(original, found[0])
    return size is not None and names[0] == webp.LOSSY


WEBP_UNPLAIN = frozenset({b"VP8L", b"ALPH", b"ANIM", b"ANMF"})

PLAIN_FORMATS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": _is_plain_jpeg,
    "PNG": _is_plain_png,
    "WEBP": _is_plain_webp,
}
"""The formats that the service decodes itself, each with the check of a file's parts."""
