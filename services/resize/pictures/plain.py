"""Decides whether a file can be decoded in the service itself.

The decoders of JPEG and PNG take no more memory and time than the header suggests, if the file has
a usual number of parts. A million empty parts, or a thousand scans over the same pixels, take
minutes but only a few megabytes. Such a file is decoded in a child process, like all other formats.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from services.resize.pictures import jpeg

MAX_SCANS = 100
"""A progressive JPEG has about ten. Even an empty scan over 64 MP takes 5 ms."""

MAX_SEGMENTS = 200
"""Segments before a JPEG's first scan. A profile and a depth map need about 100, of 64 KB each."""

MAX_CHUNKS = 100
"""Chunks of a PNG without pixels. Each profile that unpacks to a megabyte takes 2 ms."""

MAX_PIXEL_CHUNKS = 10_000
"""Chunks of a PNG with pixels. libpng writes 8 KB in each, which is 80 MB; others write more."""

PIXELS = frozenset({b"IDAT", b"fdAT"})

ANIMATION = b"acTL"
"""The chunk of an animated PNG, which is not plain: its frames take any amount of time."""


def is_plain(kind: str, original: bytes) -> bool:
    """Whether the file has a plain format (JPEG or PNG) and a usual number of parts."""
    return kind in PLAIN_FORMATS and PLAIN_FORMATS[kind](original)


def _is_plain_jpeg(original: bytes) -> bool:
    segments = list(islice(jpeg.segments(original), MAX_SEGMENTS))
    frames = [segment for segment in segments if segment.marker in jpeg.FRAMES]
    if len(frames) != 1 or segments[-1].marker != jpeg.SCAN:
        return False
    return jpeg.scans(original, frames[0], segments[-1]) <= MAX_SCANS


def _is_plain_png(original: bytes) -> bool:
    names = Counter(islice(_chunks(original), MAX_CHUNKS + MAX_PIXEL_CHUNKS))
    with_pixels = sum(names[name] for name in PIXELS)
    others = names.total() - with_pixels
    return with_pixels < MAX_PIXEL_CHUNKS and others <= MAX_CHUNKS and ANIMATION not in names


def _chunks(original: bytes) -> Iterator[bytes]:
    """The names of the chunks: a chunk is a length, a name, the content and a checksum."""
    at, name = 8, b""
    while name != b"IEND" and at + 8 <= len(original):
        name = original[at + 4 : at + 8]
        yield name
        at += 12 + int.from_bytes(original[at : at + 4])


PLAIN_FORMATS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": _is_plain_jpeg,
    "PNG": _is_plain_png,
}
"""The formats that the service decodes itself, each with the check of a file's parts."""
