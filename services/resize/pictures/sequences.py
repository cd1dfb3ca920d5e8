"""Reads the times of the frames of WebP, AVIF and HEIC without decoding them."""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from services.resize.pictures.frames import Times, bounded

ANIMATED_WEBP = 0x02
"""The flag in the header of an extended WebP."""

SEQUENCE_BRANDS = frozenset({b"avis", b"msf1", b"hevc", b"hevx", b"hevm", b"hevs"})
"""Major brands of a file whose frames are shown, and not its still picture."""

PICTURES = frozenset({b"pict", b"vide"})
"""Handlers of a track of frames; ``auxv`` is its transparency."""

REPEATS = 0x01
INDEFINITE = frozenset({2**32 - 1, 2**64 - 1})

MAX_PARTS = 500_000
"""Chunks or table entries that are read."""


class Box(NamedTuple):
    """A box's name and the offsets of its content."""

    name: bytes
    start: int
    end: int


def is_animated_webp(original: bytes) -> bool:
    return original[12:16] == b"VP8X" and bool(int.from_bytes(original[20:21]) & ANIMATED_WEBP)


def is_sequence(original: bytes) -> bool:
    """Whether an AVIF or HEIC shows a sequence, by its major brand."""
    return original[8:12] in SEQUENCE_BRANDS


def webp_times(original: bytes) -> Times:
    plays = next((c.start for c in islice(_riff(original), MAX_PARTS) if c.name == b"ANIM"), None)
    delays = (
        (int.from_bytes(original[chunk.start + 12 : chunk.start + 15], "little"), 1)
        for chunk in bounded(_riff(original), MAX_PARTS)
        if chunk.name == b"ANMF"
    )
    return Times(delays, int.from_bytes(original[plays + 4 : plays + 6], "little") if plays else 0)


def sequence_times(original: bytes) -> Times:
    """The times of the first track of pictures. Without one, there are no delays."""
    whole = Box(b"", 0, len(original))
    for track in _find(original, whole, b"moov", b"trak"):
        for media in _find(original, track, b"mdia"):
            handler = next(_find(original, media, b"hdlr"), None)
            if handler and original[handler.start + 8 : handler.start + 12] in PICTURES:
                return Times(_delays(original, media), _plays(original, track))
    return Times(iter(()), 0)


def _riff(original: bytes) -> Iterator[Box]:
    at = 12
    while at + 8 <= len(original):
        length = int.from_bytes(original[at + 4 : at + 8], "little")
        yield Box(original[at : at + 4], at + 8, at + 8 + length)
        at += 8 + length + length % 2


def _find(original: bytes, inside: Box, *path: bytes) -> Iterator[Box]:
    """The boxes at this path of names inside a box."""
    for box in islice(_boxes(original, inside), MAX_PARTS):
        if box.name == path[0]:
            yield from _find(original, box, *path[1:]) if path[1:] else (box,)


def _boxes(original: bytes, inside: Box) -> Iterator[Box]:
    at = inside.start
    while at + 8 <= inside.end:
        length, name = struct.unpack_from(">I4s", original, at)
        start = at + 8
        if length == 1 and at + 16 <= inside.end:
            (length,) = struct.unpack_from(">Q", original, start)
            start += 8
        end = at + length if length else inside.end
        if end < start or end > inside.end:
            return
        yield Box(name, start, end)
        at = end


def _delays(original: bytes, media: Box) -> Iterator[tuple[float, int]]:
    """The delays from the table of times, whose entries are a number of frames and a duration."""
    head = next(_find(original, media, b"mdhd"))
    (timescale,) = struct.unpack_from(
        ">I", original, head.start + (20 if _long(original, head) else 12)
    )
    table = next(_find(original, media, b"minf", b"stbl", b"stts"))
    entries = struct.iter_unpack(
        ">2I", original[table.start + 8 : table.end - (table.end - table.start) % 8]
    )
    for count, duration in bounded(entries, MAX_PARTS):
        yield duration * 1000 / (timescale or 1), count


def _plays(original: bytes, track: Box) -> int:
    """The number of plays: the track's duration, in passes of its edit list."""
    edits = next(_find(original, track, b"edts", b"elst"), None)
    if not edits:
        return 0
    if not original[edits.start + 3] & REPEATS:
        return 1
    one_pass = _number(original, edits, 8, 8)
    head = next(_find(original, track, b"tkhd"))
    whole = _number(original, head, 20, 28)
    return 0 if whole in INDEFINITE or not one_pass else -(-whole // one_pass)


def _number(original: bytes, box: Box, short_at: int, long_at: int) -> int:
    """A duration, whose length and place depend on the box's version."""
    long = _long(original, box)
    at = box.start + (long_at if long else short_at)
    return int.from_bytes(original[at : at + (8 if long else 4)])


def _long(original: bytes, box: Box) -> bool:
    return original[box.start] == 1
