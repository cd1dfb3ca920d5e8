"""Finds out whether the end of a file is missing, by its format's end."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from services.resize.pictures import jpeg
from services.resize.pictures.defects import Defect, Defects

BOX_HEADER = 8
"""Bytes: a box's length and its name."""

BOX_HEADS = 16
"""Bytes: with a long length."""

PNG_SIGNATURE = 8
GIF_HEADER = 13
"""Bytes: the signature and the screen's size, flags and colours."""


def is_cut_short(kind: str, original: bytes) -> bool:
    """Whether the end of the file is missing. Use it only for files that cannot be decoded."""
    with suppress(Exception):  # the file is too damaged to find its end
        return not ENDS[kind](original)
    return False


def silent_defects(kind: str, original: bytes) -> Defects:
    """Defects of a file that Pillow decodes without an error."""
    with suppress(Exception):  # as above
        if kind in END_MARKERS and not END_MARKERS[kind](original):
            return frozenset({Defect.MISSING_END_MARKER})
    return frozenset()


class Box(NamedTuple):
    """A box of a HEIC or AVIF: its name, and the offsets of its start and end."""

    name: bytes
    at: int
    end: int


def boxes(original: bytes) -> Iterator[Box]:
    """The outer boxes. Length 1 means that 8 bytes after the name have it, 0 "to the end"."""
    at = 0
    while at + BOX_HEADS <= len(original):
        length = int.from_bytes(original[at : at + 4])
        if length == 1:
            length = int.from_bytes(original[at + 8 : at + 16])
        if length == 0:
            length = len(original) - at
        if length < BOX_HEADER:
            return
        yield Box(original[at + 4 : at + 8], at, at + length)
        at += length


class GifEnd(NamedTuple):
    """The offset of the trailer, or of the length of the data block that the file cuts off."""

    at: int
    has_trailer: bool


def gif_end(original: bytes) -> GifEnd:
    """Follow the blocks to the end of the file."""
    at = GIF_HEADER + _colours(original[10:11])
    while at < len(original) and original[at] != ord(";"):
        if original[at] == ord(","):
            at += 11 + _colours(original[at + 9 : at + 10])
        elif original[at] == ord("!"):
            at += 2
        else:  # damage; viewers stop here
            return GifEnd(at, has_trailer=True)
        while at < len(original) and original[at]:
            if at + 1 + original[at] > len(original):
                return GifEnd(at, has_trailer=False)
            at += 1 + original[at]
        at += 1
    return GifEnd(min(at, len(original)), has_trailer=at < len(original))


def png_names(original: bytes) -> Iterator[bytes]:
    """The names of a PNG's chunks: a chunk is a length, a name, the content and a checksum."""
    at, name = PNG_SIGNATURE, b""
    while name != b"IEND" and at + 8 <= len(original):
        name = original[at + 4 : at + 8]
        yield name
        at += 12 + int.from_bytes(original[at : at + 4])


def _png_is_whole(original: bytes) -> bool:
    """Whether all chunks end within the file. Bytes that are no chunk are damage."""
    at, name = PNG_SIGNATURE, b""
    while name != b"IEND":
        name = original[at + 4 : at + 8]
        if len(name) == 4 and not name.isalpha():  # noqa: PLR2004 - bytes of a name
            return True
        at += 12 + int.from_bytes(original[at : at + 4])
        if at > len(original):
            return False
    return True


def _png_has_end(original: bytes) -> bool:
    """Whether there is an end marker. Only if other data follows, it reads all names."""
    return original[-8:-4] == b"IEND" or b"IEND" in png_names(original)


def _colours(flags: bytes) -> int:
    """Bytes of the palette that these flags declare."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _ends_with(mark: bytes, tail: int) -> Callable[[bytes], bool]:
    """Search the last ``tail`` bytes, because some programs append data to a complete file."""
    return lambda original: mark in original[-tail:]


def _riff_is_whole(original: bytes) -> bool:
    return len(original) >= int.from_bytes(original[4:8], "little") + 8


def _bmp_is_whole(original: bytes) -> bool:
    return len(original) >= int.from_bytes(original[2:6], "little")


def _boxes_are_whole(original: bytes) -> bool:
    """Whether the last box ends with the file. Other bytes after it are damage."""
    end = 0
    for box in boxes(original):
        end = box.end
    return not 0 < len(original) - end < BOX_HEADS and end <= len(original)


def _tiff_is_whole(original: bytes) -> bool:
    """Whether the file has the first page's directory and all strips or tiles that it lists."""
    directory = ImageFileDirectory_v2(original[:8])
    if directory.next >= len(original):
        return False
    file = io.BytesIO(original)
    file.seek(directory.next)
    directory.load(file)
    return all(
        at + length <= len(original)
        for offsets, lengths in TIFF_PARTS
        for at, length in zip(directory.get(offsets, ()), directory.get(lengths, ()), strict=False)
    )


TIFF_PARTS = (273, 279), (324, 325)
"""Tags of the offsets and lengths of strips, and of tiles."""

ENDS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": _ends_with(b"\xff\xd9", 4096),
    "PNG": _png_is_whole,
    "GIF": lambda original: gif_end(original).has_trailer,
    "WEBP": _riff_is_whole,
    "BMP": _bmp_is_whole,
    "AVIF": _boxes_are_whole,
    "HEIC": _boxes_are_whole,
    "TIFF": _tiff_is_whole,
    "SVG": _ends_with(b"</svg>", 4096),
}

END_MARKERS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": jpeg.has_end,
    "PNG": _png_has_end,
    "GIF": lambda original: original.endswith(b";") or gif_end(original).has_trailer,
}
