"""Reads the parts of an animated GIF without decoding them.

Pillow's own frames differ from those of browsers: it repeats the disposal of an earlier frame if a
frame has none, and fills areas without pixels with a colour.
"""

import struct
from collections.abc import Iterator
from functools import partial
from itertools import count

from PIL import Image

from services.resize.pictures.frames import Blend, Disposal, Part, bounded
from services.resize.pictures.values import Size

EXTENSION, IMAGE, PADDING = 0x21, 0x2C, 0x00
CONTROL, APPLICATION = 0xF9, 0xFF
NETSCAPE = b"NETSCAPE2.0", b"ANIMEXTS1.0"
HEADER = 13
"""Bytes before the global colour table."""

DISPOSALS = {2: Disposal.BACKGROUND, 3: Disposal.PREVIOUS, 4: Disposal.PREVIOUS}
"""The specification has 3; some programs write 4 for it."""

HAS_TABLE, INTERLACED = 0x80, 0x40
GREY = bytes(value for grey in range(256) for value in (grey, grey, grey))
"""The colour table of a frame without one."""

MAX_BLOCKS = 500_000
"""Blocks that are read. 50 MB in blocks of usual length are 200,000; this many take 0.1 s."""


def parts(original: bytes) -> Iterator[Part]:
    """The parts of the animation. It ends early at damage. Raises TooManyParts."""
    blocks = bounded(count(), MAX_BLOCKS)
    global_table, at = _table(original, original[10], HEADER)
    delay, transparent, disposal = 0, None, Disposal.NONE
    for _ in blocks:
        mark = original[at : at + 2]
        if mark[:1] == bytes((EXTENSION,)):
            if mark == bytes((EXTENSION, CONTROL)) and at + 7 <= len(original):
                flags, delay, index = struct.unpack_from("<BHB", original, at + 3)
                transparent = index if flags & 1 else None
                disposal = DISPOSALS.get(flags >> 2 & 7, Disposal.NONE)
            at = _end(original, at + 2, blocks)
        elif mark[:1] == bytes((IMAGE,)) and at + 11 < len(original):
            x, y, width, height, flags = struct.unpack_from("<4HB", original, at + 1)
            table, at = _table(original, flags, at + 10)
            start, at = at, _end(original, at + 1, blocks)
            image = partial(
                _decoded,
                original,
                (start, at),
                Size(width, height),
                table or global_table or GREY,
                transparent,
                interlaced=bool(flags & INTERLACED),
            )
            yield Part(x, y, Size(width, height), delay * 10, disposal, Blend.MASK, image)
            delay, transparent, disposal = 0, None, Disposal.NONE
        elif mark[:1] == bytes((PADDING,)):
            at += 1
        else:
            return


def is_partial(original: bytes) -> bool:
    """Whether the first frame leaves a part of the canvas transparent."""
    screen = Size(*struct.unpack_from("<2H", original, 6))
    first = next(parts(original), None)
    if not first:
        return False
    right, bottom = first.x + first.size.width, first.y + first.size.height
    return (first.x, first.y) != (0, 0) or right < screen.width or bottom < screen.height


def plays(original: bytes) -> int:
    """How often the animation plays; 0 means forever. The file has the number of repetitions."""
    for name in NETSCAPE:
        mark = bytes((EXTENSION, APPLICATION, len(name))) + name + b"\3\1"
        at = original.find(mark)
        if at >= 0:
            repetitions = int.from_bytes(original[at + len(mark) :][:2], "little")
            return repetitions + 1 if repetitions else 0
    return 1


def _table(original: bytes, flags: int, at: int) -> tuple[bytes, int]:
    """The colour table at this offset, empty if there is none, and the offset of its end."""
    end = at + (3 << (flags & 7) + 1 if flags & HAS_TABLE else 0)
    return original[at:end], end


def _end(original: bytes, at: int, blocks: Iterator[int]) -> int:
    """The offset after the data blocks from this offset; the end of the file if one is missing."""
    for _ in blocks:
        if at >= len(original):
            break
        length = original[at]
        at += length + 1
        if not length:
            return at
    return len(original)


def _decoded(
    original: bytes,
    span: tuple[int, int],
    size: Size,
    table: bytes,
    transparent: int | None,
    *,
    interlaced: bool,
) -> Image.Image:
    start, end = span
    bits = original[start]
    image = Image.frombytes("P", size, original[start + 1 : end], "gif", bits, interlaced, -1)
    image.putpalette(table)
    if transparent is not None:
        image.info["transparency"] = transparent
    return image.convert("RGBA")
