"""Finds out whether a file has a gain map, with which HDR displays show more than its picture.

Every marker below stands at the gain map itself. So a file whose gain map was removed has none,
even if its metadata still mentions one.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from services.resize.pictures import jpeg

APP1, APP2 = 0xE1, 0xE2
"""Markers of segments: the first has EXIF data and XMP, the second has profiles and lists."""

ISO = b"urn:iso:std:iso:ts:21496:-1"
"""ISO 21496-1: starts an APP2 segment of JPEG; the type of an auxiliary picture of HEIF."""

APPLE = b"urn:com:apple:photo:2020:aux:hdrgainmap"
"""Apple: the type of an auxiliary picture, in HEIF's property and in XMP."""

ADOBE = b"http://ns.adobe.com/hdr-gain-map/1.0/"
"""Ultra HDR: the namespace of the gain map's parameters in XMP."""

TONE_MAPPED = b"tmap"
"""The type of HEIF's item that combines a picture with a gain map (ISO 23008-12, amendment 1)."""

MULTI_PICTURE = b"MPF\0"
PICTURES_TAG = 0xB002
ENTRY = 16
"""CIPA DC-007: what starts an APP2 segment, its tag with the list of the file's pictures, and the
bytes of an entry."""

MAX_PICTURES = 8
MAX_SEGMENTS = 100
MAX_TAGS = 16
"""Limits of the search. At most it reads 800 segments, of 64 KB each."""


def has_gain_map(kind: str, original: bytes) -> bool:
    """Whether the JPEG, AVIF or HEIC file has a gain map."""
    if kind == "JPEG":
        further = islice(_further_pictures(original), MAX_PICTURES)
        return any(_is_gain_map(original, at) for at in further)
    return kind in {"AVIF", "HEIC"} and _heif_has_gain_map(original)


def _further_pictures(original: bytes) -> Iterator[int]:
    """The offsets of a JPEG's pictures after the first, by its list or, without one, by search."""
    lacks_list, mentions_map = True, False
    for segment in islice(jpeg.segments(original), MAX_SEGMENTS):
        content = segment.content(original)
        if segment.marker == APP2 and content.startswith(MULTI_PICTURE):
            lacks_list = False
            yield from _listed(original, segment.start + len(MULTI_PICTURE))
        mentions_map |= _marks_gain_map(segment.marker, content)
        if segment.marker == jpeg.SCAN and lacks_list and mentions_map:
            yield from _starts(original, segment.start)


def _listed(original: bytes, base: int) -> Iterator[int]:
    """The offsets from the list of pictures, a TIFF directory at ``base``; the first is 0."""
    order = "<" if original[base : base + 2] == b"II" else ">"
    with suppress(struct.error):  # the list ends beyond the file
        (directory,) = struct.unpack_from(order + "I", original, base + 4)
        (count,) = struct.unpack_from(order + "H", original, base + directory)
        for index in range(min(count, MAX_TAGS)):
            at = base + directory + 2 + 12 * index
            tag, _, size, entries = struct.unpack_from(order + "HHII", original, at)
            if tag == PICTURES_TAG:
                for entry in range(min(size // ENTRY, MAX_PICTURES)):
                    at = base + entries + entry * ENTRY + 8
                    (offset,) = struct.unpack_from(order + "I", original, at)
                    if offset:
                        yield base + offset
                return


def _starts(original: bytes, at: int) -> Iterator[int]:
    """The next offsets where a JPEG starts; coded pixels never contain its first bytes."""
    while (at := original.find(b"\xff\xd8\xff", at + 1)) > 0:
        yield at


def _is_gain_map(original: bytes, at: int) -> bool:
    """Whether the picture at this offset declares to be a gain map."""
    return original.startswith(b"\xff\xd8", at) and any(
        _marks_gain_map(segment.marker, segment.content(original))
        for segment in islice(jpeg.segments(original, at), MAX_SEGMENTS)
    )


def _marks_gain_map(marker: int, content: bytes) -> bool:
    if marker == APP1:
        return ADOBE in content or APPLE in content
    return marker == APP2 and content.startswith(ISO)


def _heif_has_gain_map(original: bytes) -> bool:
    from services.resize.pictures import heif  # noqa: PLC0415 - ``load_signals`` loaded it before

    meta = heif.meta(original)
    if TONE_MAPPED in heif.item_types(meta):
        return True
    kinds = (bytes(p.body[heif.FULL :]) for p in heif.properties(meta) if p.name == b"auxC")
    return any(kind.split(b"\0")[0] in {ISO, APPLE} for kind in kinds)
