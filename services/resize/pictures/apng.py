"""Reads the parts of an animated PNG without decoding them."""

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from PIL import Image, PngImagePlugin

from services.resize.pictures.colour import shrinkable
from services.resize.pictures.frames import Blend, Disposal, Part, bounded
from services.resize.pictures.values import Size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CONTROL = struct.Struct(">4x4I2H2B")
"""A frame's chunk: width, height, offsets, numerator and denominator of the delay, operations."""

DISPOSALS = {1: Disposal.BACKGROUND, 2: Disposal.PREVIOUS}
BLENDS_OVER = 1

MAX_CHUNKS = 200_000
"""Chunks that are read. 50 MB in chunks of 8 KB are 6,000."""


class Chunk(NamedTuple):
    """A chunk's name and the offsets of its content."""

    name: bytes
    start: int
    end: int


def is_animated(original: bytes) -> bool:
    """Whether the file declares an animation, which it must do before its first pixels."""
    names = (chunk.name for chunk in islice(_chunks(original), MAX_CHUNKS))
    return next((name for name in names if name in {b"acTL", b"IDAT"}), b"") == b"acTL"


def plays(original: bytes) -> int:
    """How often the animation plays; 0 means forever."""
    for chunk in islice(_chunks(original), MAX_CHUNKS):
        if chunk.name == b"acTL":
            return int.from_bytes(original[chunk.start + 4 : chunk.end][:4])
    return 0


def parts(original: bytes) -> Iterator[Part]:
    """The parts of the animation, without a default image that is none of them.

    It ends early at damage. Raises TooManyParts.
    """
    control: Chunk | None = None
    head: list[bytes] = []
    spans: list[slice] = []
    first = True
    for chunk in bounded(_chunks(original), MAX_CHUNKS):
        if chunk.name in {b"PLTE", b"tRNS"}:
            head.append(original[chunk.start - 8 : chunk.end + 4])
        elif chunk.name in {b"fcTL", b"IEND"}:
            if control and spans:
                yield _part(original, control, head, spans, first=first)
                first = False
            control, spans = chunk, []
            if chunk.end - chunk.start < CONTROL.size:
                return
        elif chunk.name == b"IDAT" and control:
            spans.append(slice(chunk.start, chunk.end))
        elif chunk.name == b"fdAT" and control:
            spans.append(slice(chunk.start + 4, chunk.end))


def _chunks(original: bytes) -> Iterator[Chunk]:
    at, name = len(SIGNATURE), b""
    while name != b"IEND" and at + 8 <= len(original):
        name = original[at + 4 : at + 8]
        end = at + 8 + int.from_bytes(original[at : at + 4])
        yield Chunk(name, at + 8, end)
        at = end + 4


def _part(
    original: bytes, control: Chunk, head: Sequence[bytes], spans: Sequence[slice], *, first: bool
) -> Part:
    width, height, x, y, numerator, denominator, operation, blend = CONTROL.unpack_from(
        original, control.start
    )
    disposal = DISPOSALS.get(operation, Disposal.NONE)
    if first and disposal is Disposal.PREVIOUS:
        disposal = Disposal.BACKGROUND
    return Part(
        x,
        y,
        Size(width, height),
        numerator * 1000 / (denominator or 100),
        disposal,
        Blend.OVER if blend == BLENDS_OVER else Blend.REPLACE,
        partial(_decoded, original, Size(width, height), tuple(head), tuple(spans)),
    )


def _decoded(
    original: bytes, size: Size, head: Sequence[bytes], spans: Sequence[slice]
) -> Image.Image:
    """Decode a part as a PNG of its own: its size, the common chunks, its pixels."""
    depth_and_more = original[24:29]
    pixels = b"".join(original[span] for span in spans)
    file = b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", struct.pack(">2I", *size) + depth_and_more),
            *head,
            _chunk(b"IDAT", pixels),
            _chunk(b"IEND", b""),
        )
    )
    image = PngImagePlugin.PngImageFile(io.BytesIO(file))
    image.load()
    return shrinkable(image).convert("RGBA")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
