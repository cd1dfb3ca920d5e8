"""Whether a file that could not be decoded was cut short: its own format says where it ends."""

import io
from collections.abc import Callable, Mapping
from contextlib import suppress

from PIL.TiffImagePlugin import ImageFileDirectory_v2

BOX_HEADER = 8
"""Bytes: a box's length and its name."""


def is_cut_short(kind: str, original: bytes) -> bool:
    """True if the end that the format promises is missing. Asked only of what does not decode."""
    with suppress(Exception):  # damage so deep that the end cannot be looked for
        return not ENDS[kind](original)
    return False


def _ends_with(mark: bytes, tail: int) -> Callable[[bytes], bool]:
    """Some programs append to a finished file, so the mark may stand a little before the end."""
    return lambda original: mark in original[-tail:]


def _riff_is_whole(original: bytes) -> bool:
    return len(original) >= int.from_bytes(original[4:8], "little") + 8


def _bmp_is_whole(original: bytes) -> bool:
    return len(original) >= int.from_bytes(original[2:6], "little")


def _boxes_are_whole(original: bytes) -> bool:
    """AVIF and HEIC are a row of boxes; length 1 means "see the 8 bytes after the name"."""
    at = 0
    while at + 16 <= len(original):
        length = int.from_bytes(original[at : at + 4])
        if length == 1:
            length = int.from_bytes(original[at + 8 : at + 16])
        if length < BOX_HEADER:  # 0 is "to the end"; anything else is damage, not an early end
            return True
        at += length
    return at == len(original)


def _tiff_is_whole(original: bytes) -> bool:
    """The first page's directory, and each piece of the picture that it lists, are in the file."""
    directory = ImageFileDirectory_v2(original[:8])
    if directory.next >= len(original):
        return False
    file = io.BytesIO(original)
    file.seek(directory.next)
    directory.load(file)
    return all(
        at + length <= len(original)
        for places, lengths in TIFF_PIECES
        for at, length in zip(directory.get(places, ()), directory.get(lengths, ()), strict=False)
    )


TIFF_PIECES = (273, 279), (324, 325)
"""Tags: where the strips are and how long, and the same of tiles."""

ENDS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": _ends_with(b"\xff\xd9", 4096),
    "PNG": _ends_with(b"IEND", 4096),
    "GIF": _ends_with(b";", 2),
    "WEBP": _riff_is_whole,
    "BMP": _bmp_is_whole,
    "AVIF": _boxes_are_whole,
    "HEIC": _boxes_are_whole,
    "TIFF": _tiff_is_whole,
}
