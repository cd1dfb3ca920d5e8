"""Reads single values of an EXIF block, with a bound on entries and bytes.

An EXIF block is a TIFF structure: directories of entries, each with a tag, a type, a count and a
value. Pillow's reader expands every list of a directory to Python objects: a picture of a few
kilobytes takes a minute and a gigabyte. This one reads only the values that are asked for.
"""

import struct
from collections.abc import Mapping

PREFIX = b"Exif\0\0"
"""JPEG has it before the block. Some programs write it in PNG, WebP and HEIC, too."""

MAX_ENTRIES = 1000
"""Entries of a directory that are read. Cameras write fewer than 100."""

MAX_CONTENT = 2000
"""Bytes of a value that are read."""

SHORT, INTEGERS = 3, frozenset({1, 3, 4, 13, 16, 18})
"""The type of an orientation, and the types of whole numbers without a sign."""

BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
BYTES |= {16: 8, 17: 8, 18: 8}
"""Bytes of one value of each type; the second row exists in BigTIFF only."""

ORIENTATION = 0x0112
PHOTO_DIRECTORY, GPS_DIRECTORY = 0x8769, 0x8825


Entry = tuple[int, int, int]
"""An entry of a directory: its type, its number of values, and their offset in the block."""


class Layout:
    """How a block stores numbers; BigTIFF has longer ones. ``order`` is that of ``struct``."""

    def __init__(self, order: str, number: str, entry: str, offset: str) -> None:
        self.order = order
        self.number = struct.Struct(order + number)
        self.entry = struct.Struct(order + entry)
        self.offset = struct.Struct(order + offset)


class Directory:
    """A directory of an EXIF block. Missing and damaged values are empty."""

    def __init__(self, block: bytes, layout: Layout, entries: Mapping[int, Entry]) -> None:
        self._block = block
        self._layout = layout
        self._entries = entries

    def content(self, tag: int, limit: int = MAX_CONTENT) -> bytes:
        """The first ``limit`` bytes of a value."""
        kind, values, at = self._entries.get(tag, NO_ENTRY)
        return self._block[at : at + min(BYTES.get(kind, 0) * values, limit)]

    def text(self, tag: int) -> str:
        return decoded(self.content(tag))

    def number(self, tag: int) -> int:
        """A single whole number; 0 for a list or another type."""
        kind, values, _ = self._entries.get(tag, NO_ENTRY)
        content = self.content(tag)
        if values != 1 or kind not in INTEGERS or len(content) < BYTES[kind]:
            return 0
        return int.from_bytes(content, "little" if self._layout.order == "<" else "big")

    def orientation(self) -> int:
        """The orientation, 1 to 8. Browsers ignore one of any other type than SHORT."""
        kind, _, _ = self._entries.get(ORIENTATION, NO_ENTRY)
        number = self.number(ORIENTATION) if kind == SHORT else 1
        return number if 1 <= number <= 8 else 1  # noqa: PLR2004 - EXIF defines eight


class Exif:
    """The directories of an EXIF block: of the picture, of the photo, of the position."""

    def __init__(self, main: Directory, photo: Directory, position: Directory) -> None:
        self.main = main
        self.photo = photo
        self.position = position


NO_ENTRY: Entry = (0, 0, 0)
TIFF = {order: Layout(order, "H", "HHI4s", "I") for order in "<>"}
BIG_TIFF = {order: Layout(order, "Q", "HHQ8s", "Q") for order in "<>"}
NOTHING = Directory(b"", TIFF["<"], {})


def read_exif(raw: bytes) -> Exif:
    """The directories of a block, with or without its prefix; empty ones if there are none."""
    block = raw.removeprefix(PREFIX).removeprefix(PREFIX)
    layout = _layout(block)
    if layout is None:
        return Exif(NOTHING, NOTHING, NOTHING)
    (first,) = layout.offset.unpack_from(block, layout.offset.size)  # in BigTIFF, after 8 bytes
    main = _directory(block, layout, first)
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
    is_big = 43 in block[2:4]  # noqa: PLR2004 - BigTIFF's version; TIFF's is 42
    return (BIG_TIFF if is_big else TIFF)[order]


def _directory(block: bytes, layout: Layout, at: int) -> Directory:
    """The directory at this offset. Of two entries with the same tag, the first counts."""
    start = at + layout.number.size
    if not 0 < at <= len(block) - layout.number.size:
        return NOTHING
    (declared,) = layout.number.unpack_from(block, at)
    number = min(declared, MAX_ENTRIES, (len(block) - start) // layout.entry.size)
    end = start + number * layout.entry.size
    entries: dict[int, Entry] = {}
    for tag, kind, values, content in layout.entry.iter_unpack(block[start:end]):
        start += layout.entry.size
        inline = BYTES.get(kind, 0) * values <= layout.offset.size
        at = start - layout.offset.size if inline else layout.offset.unpack(content)[0]
        entries.setdefault(tag, (kind, values, at))
    return Directory(block, layout, entries)
