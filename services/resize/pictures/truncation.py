"""Whether a file that could not be decoded was cut short: its own format says where it ends."""

from collections.abc import Callable, Mapping

BOX_HEADER = 8
"""Bytes: a box's length and its name."""


def is_cut_short(kind: str, original: bytes) -> bool:
    """True if the end that the format promises is missing. Says nothing of files that decode."""
    ends = ENDS.get(kind)
    return ends is not None and not ends(original)


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


ENDS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": _ends_with(b"\xff\xd9", 4096),
    "PNG": _ends_with(b"IEND", 4096),
    "GIF": _ends_with(b";", 16),
    "WEBP": _riff_is_whole,
    "BMP": _bmp_is_whole,
    "AVIF": _boxes_are_whole,
    "HEIC": _boxes_are_whole,
}
"""TIFF is absent: its pieces stand in any order, and nothing marks its end."""
