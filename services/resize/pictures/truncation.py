"""Finds out whether a file that cannot be decoded is truncated, by its format's end."""

import io
from collections.abc import Callable, Mapping
from contextlib import suppress

from PIL.TiffImagePlugin import ImageFileDirectory_v2

BOX_HEADER = 8
"""Bytes: a box's length and its name."""


def is_cut_short(kind: str, original: bytes) -> bool:
    """Whether the end of the file is missing. Use it only for files that cannot be decoded."""
    with suppress(Exception):  # the file is too damaged to find its end
        return not ENDS[kind](original)
    return False


def _ends_with(mark: bytes, tail: int) -> Callable[[bytes], bool]:
    """Search the last ``tail`` bytes, because some programs append data to a complete file."""
    return lambda original: mark in original[-tail:]


def _riff_is_whole(original: bytes) -> bool:
    return len(original) >= int.from_bytes(original[4:8], "little") + 8


def _bmp_is_whole(original: bytes) -> bool:
    return len(original) >= int.from_bytes(original[2:6], "little")


def _boxes_are_whole(original: bytes) -> bool:
    """AVIF and HEIC are sequences of boxes; length 1 means that 8 bytes after the name have it."""
    at = 0
    while at + 16 <= len(original):
        length = int.from_bytes(original[at : at + 4])
        if length == 1:
            length = int.from_bytes(original[at + 8 : at + 16])
        if length < BOX_HEADER:  # 0 means "to the end"; other values are damage, not truncation
            return True
        at += length
    return at == len(original)


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
    "PNG": _ends_with(b"IEND", 4096),
    "GIF": _ends_with(b";", 2),
    "WEBP": _riff_is_whole,
    "BMP": _bmp_is_whole,
    "AVIF": _boxes_are_whole,
    "HEIC": _boxes_are_whole,
    "TIFF": _tiff_is_whole,
    "SVG": _ends_with(b"</svg>", 4096),
}
