"""Which colours a picture has most of: arithmetic over its pixels."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from infra.rekognition.percents import percent

LONGEST: Final = 256  # pixels: a few ten thousand of them tell the colours as well as all do
ROUNDS: Final = 8  # of k-means, after which the colours hardly move


@dataclass(frozen=True)
class DominantColor:
    """Each channel from 0 to 255, the nearest name in CSS, and the share of the pixels."""

    red: int
    green: int
    blue: int
    css: str
    percent: float


def dominant_colors(picture: Image.Image, most: int) -> list[DominantColor]:
    """At most so many, the commonest first: median cut, then k-means. Percents add up to 100."""
    if most == 0:
        return []
    small = picture.copy()
    small.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    reduced = small.quantize(most, Image.Quantize.MEDIANCUT, kmeans=ROUNDS)
    palette = np.reshape(reduced.getpalette() or [], (-1, 3))
    counts = np.bincount(np.asarray(reduced).ravel(), minlength=len(palette))
    commonest = [int(each) for each in np.argsort(-counts, kind="stable") if counts[each]]
    shares = counts / counts.sum()
    return [_color(palette[each], percent(shares[each])) for each in commonest]


def _color(channels: NDArray[Any], share: float) -> DominantColor:
    names, values = _css()
    nearest = int(np.argmin(((values - channels) ** 2).sum(1)))
    red, green, blue = (int(channel) for channel in channels)
    return DominantColor(red, green, blue, names[nearest], share)


@cache
def _css() -> tuple[list[str], NDArray[Any]]:
    names = sorted(ImageColor.colormap)
    return names, np.array([ImageColor.getrgb(name)[:3] for name in names])
