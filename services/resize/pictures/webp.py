"""Reads the chunks of a WebP: a name, a length, the content and a padding byte."""

from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, ImageFile
from PIL.Image import core  # type: ignore[attr-defined]  # Pillow's C side, which has no types
from PIL.WebPImagePlugin import WebPImageFile

START = 12
"""Offset of the first chunk, after ``RIFF``, a length and ``WEBP``."""

EXTENDED, LOSSY, LOSSLESS = b"VP8X", b"VP8 ", b"VP8L"
PICTURES = frozenset({LOSSY, LOSSLESS})


class Chunk(NamedTuple):
    """A chunk's name and declared length, and the offset of its content."""

    name: bytes
    at: int
    length: int

    @property
    def end(self) -> int:
        """The offset after its padding."""
        return self.at + self.length + self.length % 2


def opaque(picture: ImageFile.ImageFile) -> Image.Image | None:
    """The decoded picture, or None if it has transparency or several frames.

    Its pixels stay in the memory of the decoder's result, four bytes each, as in Pillow's own RGB.
    Loading the picture would copy them, which takes a tenth of the time of decoding.
    """
    if not isinstance(picture, WebPImageFile) or picture.rawmode != "RGBX" or picture.is_animated:
        return None
    pixels, _, _ = picture._get_next()  # noqa: SLF001 - Pillow's public way copies
    decoded = Image.new("RGB", (0, 0))
    return decoded._new(core.map_buffer(pixels, picture.size, "raw", 0, ("RGB", 0, 1)))  # noqa: SLF001


def chunks(original: bytes) -> Iterator[Chunk]:
    """The chunks up to the length in the header. The last one may end after the file."""
    end = min(len(original), 8 + int.from_bytes(original[4:8], "little"))
    at = START
    while at + 8 <= end:
        chunk = Chunk(
            original[at : at + 4], at + 8, int.from_bytes(original[at + 4 : at + 8], "little")
        )
        yield chunk
        at = chunk.end


def canvas(original: bytes, extended: Chunk) -> tuple[int, int]:
    """The size that an extended header declares."""
    content = original[extended.at : extended.at + 10]
    width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (4, 7))
    return width, height


def lossy_size(original: bytes, picture: Chunk) -> tuple[int, int] | None:
    """The size that a lossy picture's key frame declares, or None if it is no key frame."""
    head = original[picture.at : picture.at + 10]
    if picture.length < len(head) or head[3:6] != b"\x9d\x01\x2a" or head[0] & 1:
        return None
    width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return width, height
