"""Reads single values of an EXIF block, with a bound on entries and bytes.

An EXIF block is a TIFF structure: directories of entries, each with a tag, a type, a count and a
value. Pillow's reader expands every list of a directory to Python objects: a picture of a few
kilobytes takes a minute and a gigabyte. This one reads only the values that are asked for.
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple

PREFIX = b"Exif\0\0"
"""JPEG has it before the block. Some programs write it in PNG, WebP and HEIC, too."""

MAX_ENTRIES = 1000
"""Entries of a directory that are read. Cameras write fewer than 100."""

MAX_CONTENT = 2000
"""Bytes of a value that are read."""

SHORT, INTEGERS = 3, {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""The type of an orientation, and the types of whole numbers with their codes in ``struct``."""

BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
BYTES |= {16: 8, 17: 8, 18: 8}
"""Bytes of one value of each type; the second row exists in BigTIFF only."""

ORIENTATION = 0x0112
PHOTO_DIRECTORY, GPS_DIRECTORY = 0x8769, 0x8825


class Entry(NamedTuple):
    """An entry of a directory: its type, its number of values, and their offset in the block."""

    kind: int
    values: int
    at: int


class Layout(NamedTuple):
    """The byte order, and the codes of ``struct`` for a number of entries, an entry, an offset."""

    order: str
    number: str
    entry: str
    offset: str


class Directory:
    """A directory of an EXIF block. Missing and damaged values are empty."""

    def __init__(self, block: bytes, layout: Layout, entries: Mapping[int, Entry]) -> None:
        self._block = block
        self._layout = layout
        self._entries = entries

    def content(self, tag: int, limit: int = MAX_CONTENT) -> bytes:
        """The first ``limit`` bytes of a value."""
        entry = self._entries.get(tag)
        if entry is None:
            return b""
        length = min(BYTES.get(entry.kind, 0) * entry.values, limit)
        return self._block[entry.at : entry.at + length]

    def text(self, tag: int) -> str:
        return decoded(self.content(tag))

    def number(self, tag: int) -> int:
        """A single whole number; 0 for a list or another type."""
        entry = self._entries.get(tag)
        if entry is None or entry.values != 1 or entry.kind not in INTEGERS:
            return 0
        code = self._layout.order + INTEGERS[entry.kind]
        value = self.content(tag)
        return struct.unpack(code, value)[0] if len(value) == struct.calcsize(code) else 0

    def orientation(self) -> int:
        """The orientation, 1 to 8. Browsers ignore one of any other type than SHORT."""
        entry = self._entries.get(ORIENTATION)
        number = self.number(ORIENTATION) if entry and entry.kind == SHORT else 1
        return number if 1 <= number <= 8 else 1  # noqa: PLR2004 - EXIF defines eight


class Exif(NamedTuple):
    """The directories of an EXIF block: of the picture, of the photo, of the position."""

    main: Directory
    photo: Directory
    position: Directory


NOTHING = Directory(b"", Layout("<", "H", "HHI4s", "I"), {})


def read_exif(raw: bytes) -> Exif:
    """The directories of a block, with or without its prefix; empty ones if there are none."""
    block = raw.removeprefix(PREFIX).removeprefix(PREFIX)
    layout = _layout(block)
    if layout is None:
        return Exif(NOTHING, NOTHING, NOTHING)
    main = _directory(block, layout, _first(block, layout))
    photo, position = (
        _directory(block, layout, main.number(tag)) for tag in (PHOTO_DIRECTORY, GPS_DIRECTORY)
    )
    return Exif(main, photo, position)


def decoded(content: bytes) -> str:
    """The text in UTF-8, or else Latin-1, up to the first NUL."""
    text = content.partition(b"\0")[0]
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _layout(block: bytes) -> Layout | None:
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 16:  # noqa: PLR2004 - the longer of the two headers
        return None
    (version,) = struct.unpack_from(order + "H", block, 2)
    if version == 43:  # noqa: PLR2004 - BigTIFF
        return Layout(order, "Q", "HHQ8s", "Q")
    return Layout(order, "H", "HHI4s", "I")


def _first(block: bytes, layout: Layout) -> int:
    """The offset of the first directory. It follows four bytes, and eight in BigTIFF."""
    offset = struct.Struct(layout.order + layout.offset)
    at: int = offset.unpack_from(block, offset.size)[0]
    return at


def _directory(block: bytes, layout: Layout, at: int) -> Directory:
    """The directory at this offset. Of two entries with the same tag, the first counts."""
    count, entry = (struct.Struct(layout.order + code) for code in (layout.number, layout.entry))
    start = at + count.size
    if not 0 < at <= len(block) - count.size:
        return NOTHING
    number = min(count.unpack_from(block, at)[0], MAX_ENTRIES, (len(block) - start) // entry.size)
    offset = struct.Struct(layout.order + layout.offset)
    entries: dict[int, Entry] = {}
    for n, (tag, kind, values, content) in enumerate(
        entry.iter_unpack(block[start : start + number * entry.size]), 1
    ):
        inline = BYTES.get(kind, 0) * values <= offset.size
        place = start + n * entry.size - offset.size if inline else offset.unpack(content)[0]
        entries.setdefault(tag, Entry(kind, values, place))
    return Directory(block, layout, entries)
