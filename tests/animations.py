"""Generates animations for tests, part by part, with any disposal and blending."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from tests.pictures import encoded, png_chunk

CLEAR = (0, 0, 0, 0)
Colour = tuple[int, int, int, int]


@dataclass(frozen=True)
class Area:
    """A frame's area of one colour. ``delay`` in ms; ``disposal`` and ``over`` as in the format."""

    colour: Colour
    box: tuple[int, int, int, int]
    """Left, top, width and height."""
    delay: int = 200
    disposal: int = 0
    over: bool = True

    @property
    def picture(self) -> Image.Image:
        return Image.new("RGBA", self.box[2:], self.colour)


def gif(size: tuple[int, int], *areas: Area, repetitions: int | None = 0) -> bytes:
    """A GIF with its own colour table for each area. It has no trailing pixels of other areas.

    ``repetitions``: after the first pass; 0 means forever, None omits them.
    """
    loops = b"" if repetitions is None else b"!\xff\x0bNETSCAPE2.0\3\1" + _u16(repetitions) + b"\0"
    head = b"GIF89a" + struct.pack("<2H", *size) + bytes((0x80, 1, 0)) + bytes((0, 0, 0, 0, 0, 255))
    return head + loops + b"".join(map(_gif_area, areas)) + b";"


def _gif_area(area: Area) -> bytes:
    opaque = area.colour[3] > 0
    control = area.disposal << 2 | (not opaque)
    file = encoded(Image.new("P", area.box[2:]), "GIF")
    pixels = file[file.index(b",") + 10 : -1]
    table = bytes(area.colour[:3]) + bytes(3)
    return (
        b"!\xf9\4"
        + struct.pack("<BH2x", control, area.delay // 10)
        + b","
        + struct.pack("<4HB", *area.box, 0x80)
        + table
        + pixels
    )


def apng(
    size: tuple[int, int], *areas: Area, plays: int = 0, default: Colour | None = None
) -> bytes:
    """An animated PNG; ``default`` is the colour of a picture that is no part of the animation."""
    chunks = [
        _chunks_of(Image.new("RGBA", size))[0],
        (b"acTL", struct.pack(">2I", len(areas), plays)),
    ]
    if default:
        chunks.append(_chunks_of(Image.new("RGBA", size, default))[1])
    number = 0
    for index, area in enumerate(areas):
        x, y, width, height = area.box
        control = struct.pack(
            ">5I2H2B", number, width, height, x, y, area.delay, 1000, area.disposal, area.over
        )
        chunks.append((b"fcTL", control))
        pixels = _chunks_of(area.picture)[1][1]
        number += 1
        if index or default:
            chunks.append((b"fdAT", struct.pack(">I", number) + pixels))
            number += 1
        else:
            chunks.append((b"IDAT", pixels))
    chunks.append((b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def _chunks_of(picture: Image.Image) -> list[tuple[bytes, bytes]]:
    """IHDR and IDAT of a small PNG."""
    file, at, chunks = encoded(picture, "PNG"), 8, []
    while at < len(file):
        length = int.from_bytes(file[at : at + 4])
        chunks.append((file[at + 4 : at + 8], file[at + 8 : at + 8 + length]))
        at += 12 + length
    return [chunk for chunk in chunks if chunk[0] in {b"IHDR", b"IDAT"}]


def webp(size: tuple[int, int], *areas: Area, plays: int = 0) -> bytes:
    """An animated WebP of lossless areas, whose left and top must be even."""
    width, height = size
    canvas = b"\x12\0\0\0" + _u24(width - 1) + _u24(height - 1)
    frames = (_riff(b"ANMF", _webp_area(area)) for area in areas)
    body = _riff(b"VP8X", canvas) + _riff(b"ANIM", b"\0\0\xff\xff" + _u16(plays)) + b"".join(frames)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _webp_area(area: Area) -> bytes:
    x, y, width, height = area.box
    pixels = encoded(area.picture, "WEBP", lossless=True)[12:]
    flags = (not area.over) << 1 | area.disposal
    numbers = (x // 2, y // 2, width - 1, height - 1, area.delay)
    return b"".join(map(_u24, numbers)) + bytes((flags,)) + pixels


def _riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _u16(number: int) -> bytes:
    return struct.pack("<H", number)


def _u24(number: int) -> bytes:
    return number.to_bytes(3, "little")


def saved(
    form: str, frames: Sequence[Image.Image], delays: Sequence[int], **options: object
) -> bytes:
    """The frames as a file that Pillow writes."""
    return encoded(
        frames[0], form, save_all=True, append_images=frames[1:], duration=list(delays), **options
    )
