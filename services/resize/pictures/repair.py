"""Repairs files that are complete, but not perfect, so that Pillow decodes them.

A repair changes the bytes of a file, never a setting of Pillow, which all threads share. It adds no
pixels: a file that lacks visible pixels is refused, with the share that is missing.
"""

import io
import struct
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

from PIL import BmpImagePlugin, GifImagePlugin
from PIL.Image import core  # type: ignore[attr-defined]  # Pillow's C side, which has no types

from services.resize.pictures import repair_jpeg, repair_png, webp
from services.resize.pictures.defects import Defect, Repaired, Truncated
from services.resize.pictures.files import TiffFile
from services.resize.pictures.truncation import TIFF_PARTS, boxes, gif_end
from services.resize.pictures.values import Size

MISSING_END = frozenset({Defect.MISSING_END_MARKER})
BMP_BITS = 28
"""Offset of the bits a pixel; the number of colours is 18 bytes behind it."""

MOST_COLOURS, MOST_PALETTE = 256, 65_536
"""Colours that pixels can have, and that other programs write into a palette."""

UNCOMPRESSED = 1


def repair(kind: str, original: bytes) -> Repaired | None:
    """A file that can be decoded, or None if there is nothing to repair.

    Raises Truncated if visible pixels are missing, and any error for damaged bytes.
    """
    return REPAIRS[kind](original)


def _repair_gif(original: bytes) -> Repaired | None:
    """Close the last block and add the trailer. The first frame must have all its rows."""
    end = gif_end(original)
    if end.has_trailer:
        return None
    closed = original[: end.at]
    if rest := original[end.at + 1 :]:
        closed += bytes((len(rest),)) + rest
    closed += b"\0;"
    one, other = (_rows(closed, background) for background in (0, 255))
    if absent := sum(a != b for a, b in zip(one, other, strict=True)):
        raise Truncated.of(absent, len(one), "rows")
    return Repaired(closed, MISSING_END)


class _FilledGif(GifImagePlugin.GifImageFile):
    """A GIF that is decoded onto a background of one palette index."""

    background = 0

    def load_prepare(self) -> None:
        super().load_prepare()
        self.im = core.fill(self.im.mode, self.size, self.background)


def _rows(original: bytes, background: int) -> list[bytes]:
    """The rows of the first frame. Rows that are not decoded show the background."""
    picture = _FilledGif(io.BytesIO(original))
    picture.background = background
    box = picture.tile[0].extents
    with suppress(OSError):  # the rows before the end of the file are decoded
        picture.load()
    picture.tile = []
    frame = picture.crop(box)
    pixels, width = frame.tobytes(), frame.width
    return [pixels[at : at + width] for at in range(0, len(pixels), width)]


def _repair_bmp(original: bytes) -> Repaired | None:
    """Correct the number of colours or the last pixel."""
    bits, colours = struct.unpack_from("<H16xI", original, BMP_BITS)
    if bits <= 8 and MOST_COLOURS < colours <= MOST_PALETTE:  # noqa: PLR2004 - a byte a pixel
        at = BMP_BITS + 18
        return Repaired(original[:at] + struct.pack("<I", 1 << bits) + original[at + 4 :])
    picture = BmpImagePlugin.BmpImageFile(io.BytesIO(original))
    tile = picture.tile[0]
    if tile.codec_name != "raw":
        return None
    stride = cast("tuple[str, int, int]", tile.args)[1]
    return _padded(original, [(tile.offset, stride * picture.height)], Size(*picture.size))


def _repair_tiff(original: bytes) -> Repaired | None:
    picture = TiffFile(io.BytesIO(original))
    tags = picture.tag_v2
    offsets, lengths = next(names for names in TIFF_PARTS if names[0] in tags)
    parts = list(zip(tags[offsets], tags[lengths], strict=True))
    spare = Size(*picture.size) if tags.get(259, UNCOMPRESSED) == UNCOMPRESSED else None
    return _padded(original, parts, spare)


def _padded(original: bytes, parts: list[tuple[int, int]], picture: Size | None) -> Repaired | None:
    """Append zero bytes if at most one pixel of uncompressed parts (offset, length) is missing.

    ``picture``: None if the parts are compressed, so that any missing byte is a missing pixel.
    """
    size = sum(length for _, length in parts)
    absent = sum(min(length, max(0, at + length - len(original))) for at, length in parts)
    if absent == 0:
        return None
    if picture is None or absent > size // picture.pixels:
        raise Truncated.of(absent, size, "picture")
    return Repaired(original + bytes(absent), frozenset({Defect.INCOMPLETE_LAST_PIXEL}))


def _repair_webp(original: bytes) -> Repaired | None:
    """Rebuild a file around its picture, without a chunk that the file cuts off."""
    found = list(webp.chunks(original))
    whole = [chunk for chunk in found if chunk.at + chunk.length <= len(original)]
    for chunk in found:
        if chunk not in whole and chunk.name in {*webp.PICTURES, b"ALPH", b"ANMF"}:
            raise Truncated.of(chunk.at + chunk.length - len(original), chunk.length, "picture")
    if not any(chunk.name in {*webp.PICTURES, b"ANMF"} for chunk in whole):
        return None
    if whole == found and 8 + int.from_bytes(original[4:8], "little") <= len(original):
        return None
    body = b"WEBP" + b"".join(
        original[chunk.at - 8 : chunk.at + chunk.length] + bytes(chunk.length % 2)
        for chunk in whole
    )
    return Repaired(b"RIFF" + struct.pack("<I", len(body)) + body, MISSING_END)


def _repair_boxes(original: bytes) -> None:
    """Nothing to repair: the decoders ignore a box that is cut off behind the picture."""
    (last,) = deque(boxes(original), maxlen=1)
    if last.end > len(original):
        raise Truncated.of(last.end - len(original), last.end, "bytes")


def _repair_avif(original: bytes) -> Repaired | None:
    """Join two neighbouring ``ipma`` boxes. HEIF permits one of a version; old encoders wrote two.

    A ``free`` box behind their parent takes the place of the second header, so nothing moves.
    """
    parent, first = original.find(b"iprp") - 4, original.find(b"ipma") - 4
    second = first + _number(original, first)
    head, end = original[first + 4 : first + 12], second + _number(original, second)
    if min(parent, first) < 0 or original[second + 4 : second + 12] != head:
        _repair_boxes(original)
        return None
    if end != parent + _number(original, parent):
        return None
    count = _number(original, first + 12) + _number(original, second + 12)
    entries = original[first + 16 : second] + original[second + 16 : end]
    joined = struct.pack(">I8sI", 16 + len(entries), head, count) + entries
    shorter = struct.pack(">I", end - parent - len(FREE))
    return Repaired(
        original[:parent] + shorter + original[parent + 4 : first] + joined + FREE + original[end:]
    )


FREE = struct.pack(">I4s8x", 16, b"free")
"""A box without content, as long as the header of an ``ipma`` box."""


def _number(original: bytes, at: int) -> int:
    return int.from_bytes(original[at : at + 4])


REPAIRS: Mapping[str, Callable[[bytes], Repaired | None]] = {
    "JPEG": repair_jpeg.repair,
    "PNG": repair_png.repair,
    "GIF": _repair_gif,
    "BMP": _repair_bmp,
    "TIFF": _repair_tiff,
    "WEBP": _repair_webp,
    "AVIF": _repair_avif,
    "HEIC": _repair_boxes,
    "SVG": lambda _original: None,
}
