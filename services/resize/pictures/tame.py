"""Whether a file is decoded in the service itself: a tame format, and built as files of it are.

The decoders of JPEG and PNG are known to take no more memory and time than the header promises, of
a file in a usual number of parts. A million empty ones, or a thousand scans over the same pixels,
are a few megabytes that take minutes; such a file is decoded in a child like all other formats.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from services.resize.pictures import jpeg

MOST_SCANS = 100
"""A progressive JPEG has about ten. One over 64 MP takes 5 ms, even if it says nothing."""

MOST_SEGMENTS = 200
"""Before a JPEG's first scan. A profile and a depth map, in pieces of 64 KB, are a hundred."""

MOST_CHUNKS = 100
"""Of a PNG's that hold no pixels. A profile that unpacks to a megabyte takes 2 ms, each time."""

MOST_PIXEL_CHUNKS = 10_000
"""libpng writes them with 8 KB, others with more: 80 MB."""

PIXELS = frozenset({b"IDAT", b"fdAT"})


def is_tame(kind: str, original: bytes) -> bool:
    return kind in TAME and TAME[kind](original)


def _is_plain_jpeg(original: bytes) -> bool:
    found = list(islice(jpeg.segments(original), MOST_SEGMENTS))
    frames = [segment for segment in found if segment.marker in jpeg.FRAMES]
    if len(frames) != 1 or found[-1].marker != jpeg.SCAN:
        return False
    return jpeg.scans(original, frames[0], found[-1]) <= MOST_SCANS


def _is_plain_png(original: bytes) -> bool:
    counted = Counter(
        name in PIXELS for name in islice(_chunks(original), MOST_CHUNKS + MOST_PIXEL_CHUNKS)
    )
    return counted[True] < MOST_PIXEL_CHUNKS and counted[False] <= MOST_CHUNKS


def _chunks(original: bytes) -> Iterator[bytes]:
    """Their names; each has four bytes of length before and four of checksum behind it."""
    at, name = 8, b""
    while name != b"IEND" and at + 8 <= len(original):
        name = original[at + 4 : at + 8]
        yield name
        at += 12 + int.from_bytes(original[at : at + 4])


TAME: Mapping[str, Callable[[bytes], bool]] = {"JPEG": _is_plain_jpeg, "PNG": _is_plain_png}
