"""Computes what a page shows while a picture loads: a ThumbHash and the average colour.

The algorithm is Evan Wallace's ThumbHash (https://evanw.github.io/thumbhash/). The two-dimensional
cosine transform is computed by rows and then by columns, which takes a tenth of the time.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from math import cos, floor, pi
from operator import mul
from typing import NamedTuple

from PIL import Image

from services.resize.pictures.encode import flatten
from services.resize.pictures.geometry import fit
from services.resize.pictures.values import Placeholder, Size

SIDE = 24
"""Pixels of the longer side before the transform, which uses at most 7 frequencies of each."""

ROUNDING = 1e-9
"""Terms below it are rounding errors of a channel with one value; the least real term is larger."""

Channel = list[float]
"""Values of all pixels, row by row."""


def placeholder_of(image: Image.Image) -> Placeholder:
    """The placeholder of an L, RGB or RGBA picture. It takes less than 1 ms."""
    size = fit(Size(*image.size), SIDE)
    small = image.resize(size, Image.Resampling.BOX, reducing_gap=2)
    tiny = small if small.mode == "RGBA" else small.convert("RGB")
    red, green, blue = _mean(tiny)
    return Placeholder(
        thumb_hash=b64encode(thumb_hash(tiny)).decode(),
        average_colour=f"#{red:02x}{green:02x}{blue:02x}",
    )


def _mean(image: Image.Image) -> tuple[int, ...]:
    return tuple(flatten(image).resize((1, 1), Image.Resampling.BOX).tobytes())


class _Terms(NamedTuple):
    """A transformed channel: the mean, the other terms from 0 to 1, and their greatest size."""

    mean: float
    others: Sequence[float]
    scale: float


def thumb_hash(image: Image.Image) -> bytes:
    """The ThumbHash of an RGB or RGBA picture, of 5 to 30 bytes."""
    width, height = image.size
    pixels = image.tobytes()
    bands = len(image.getbands())
    red, green, blue = ([value / 255 for value in pixels[band::bands]] for band in range(3))
    alpha = [value / 255 for value in pixels[3::4]] if bands == 4 else []  # noqa: PLR2004 - RGBA
    transparent = bool(alpha) and min(alpha) < 1
    if transparent:
        red, green, blue = (_on_mean(channel, alpha) for channel in (red, green, blue))
    most = 5 if transparent else 7
    across, down = (max(1, _round(most * side / max(image.size))) for side in image.size)
    light = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    yellow = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    reddish = [r - g for r, g in zip(red, green, strict=True)]
    l = _transform(light, width, max(3, across), max(3, down))  # noqa: E741 - the algorithm's name
    p, q = _transform(yellow, width, 3, 3), _transform(reddish, width, 3, 3)
    a = _transform(alpha, width, 5, 5) if transparent else None
    landscape = width > height
    head = (
        _round(63 * l.mean)
        | _round(31.5 + 31.5 * p.mean) << 6
        | _round(31.5 + 31.5 * q.mean) << 12
        | _round(31 * l.scale) << 18
        | transparent << 23
        | (down if landscape else across) << 24
        | _round(63 * p.scale) << 27
        | _round(63 * q.scale) << 33
        | landscape << 39
    )
    nibbles = [_round(15 * a.mean), _round(15 * a.scale)] if a else []
    nibbles += [_round(15 * term) for term in chain(*(c.others for c in (l, p, q, a) if c))]
    return head.to_bytes(5, "little") + bytes(_pairs(nibbles))


def _on_mean(channel: Channel, alpha: Channel) -> Channel:
    """The channel on its mean: transparent pixels get the mean of the visible ones."""
    visible = sum(alpha)
    mean = sum(map(mul, channel, alpha)) / visible if visible else 0.0
    return [mean * (1 - a) + value * a for value, a in zip(channel, alpha, strict=True)]


def _transform(channel: Channel, width: int, across: int, down: int) -> _Terms:
    """The terms of the cosine transform in the triangle of low frequencies."""
    rows = [channel[start : start + width] for start in range(0, len(channel), width)]
    waves, tall_waves = _waves(width), _waves(len(rows))
    columns = [[sum(map(mul, row, wave)) for row in rows] for wave in waves[:across]]
    mean, *others = (
        sum(map(mul, columns[x], tall_waves[y])) / len(channel)
        for y in range(down)
        for x in range(across)
        if x * down < across * (down - y)
    )
    scale = max(map(abs, others))
    if scale < ROUNDING:
        return _Terms(mean, [0.0] * len(others), 0.0)
    return _Terms(mean, [0.5 + 0.5 / scale * other for other in others], scale)


@cache
def _waves(length: int) -> Sequence[Sequence[float]]:
    """The seven longest cosine waves, sampled at the middle of each pixel."""
    return [[cos(pi / length * k * (at + 0.5)) for at in range(length)] for k in range(7)]


def _pairs(nibbles: Sequence[int]) -> Iterator[int]:
    """Two numbers below 16 in each byte, the first in the lower bits."""
    for at in range(0, len(nibbles), 2):
        yield nibbles[at] | (nibbles[at + 1] << 4 if at + 1 < len(nibbles) else 0)


def _round(value: float) -> int:
    """To the nearest whole number; halves up, as in JavaScript."""
    return floor(value + 0.5)
