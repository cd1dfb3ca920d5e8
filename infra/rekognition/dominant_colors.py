"""Computes the dominant colours of a picture from its pixels."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from infra.rekognition.percents import percent

MAX_SIDE: Final = 256  # pixels; a larger picture is scaled down, which hardly changes its colours
ROUNDS: Final = 8  # of k-means; more rounds hardly change the colours


@dataclass(frozen=True)
class DominantColor:
    """A colour: channels from 0 to 255, the nearest CSS name, the share of pixels in percent."""

    red: int
    green: int
    blue: int
    css: str
    percent: float


def dominant_colors(picture: Image.Image, limit: int) -> list[DominantColor]:
    """At most `limit` colours, the most frequent first, by median cut and k-means.

    Their shares add up to 100 %.
    """
    if limit == 0:
        return []
    small = picture.copy()
    small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    reduced = small.quantize(limit, Image.Quantize.MEDIANCUT, kmeans=ROUNDS)
    palette = np.reshape(reduced.getpalette() or [], (-1, 3))
    counts = np.bincount(np.asarray(reduced).ravel(), minlength=len(palette))
    by_count = [int(index) for index in np.argsort(-counts, kind="stable") if counts[index]]
    shares = counts / counts.sum()
    return [_color(palette[index], percent(shares[index])) for index in by_count]


def _color(channels: NDArray[Any], share: float) -> DominantColor:
    names, values = _css()
    nearest = int(np.argmin(((values - channels) ** 2).sum(1)))
    red, green, blue = (int(channel) for channel in channels)
    return DominantColor(red, green, blue, names[nearest], share)


@cache
def _css() -> tuple[list[str], NDArray[Any]]:
    names = sorted(ImageColor.colormap)
    return names, np.array([ImageColor.getrgb(name)[:3] for name in names])
