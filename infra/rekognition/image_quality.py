"""How bright, sharp and rich in contrast a picture is: arithmetic over its pixels.

Rekognition answers such figures between 0 and 100 and does not say how it comes to them. These are
on a scale of our own, of which only the order means something: more is more.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.coordinates import Box
from infra.rekognition.percents import percent

# The spread of a Laplacian over 8-bit pixels that counts as fully sharp: that of drawn text.
SHARPEST: Final = 100.0
# The spread of 8-bit luminance that counts as full contrast: half of it black, half of it white.
CONTRAST: Final = 127.5
LONGEST: Final = 1024  # pixels: a larger one is brought down first, so that size does not show


@dataclass(frozen=True)
class Quality:
    """Each between 0 and 100."""

    brightness: float
    sharpness: float
    contrast: float


def measure(picture: Image.Image) -> Quality:
    grey = picture.convert("L")
    grey.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    values = np.asarray(grey, np.float32)
    return Quality(
        brightness=percent(values.mean() / 255),
        sharpness=percent(_laplacian(values).std() / SHARPEST),
        contrast=percent(values.std() / CONTRAST),
    )


def part(picture: Image.Image, box: Box) -> Image.Image:
    """What is in the box, one pixel at least."""
    width, height = picture.size
    left, top = min(int(box.left * width), width - 1), min(int(box.top * height), height - 1)
    right, bottom = max(left + 1, int(box.right * width)), max(top + 1, int(box.bottom * height))
    return picture.crop((left, top, right, bottom))


def _laplacian(values: NDArray[Any]) -> NDArray[Any]:
    """By how much each pixel differs from the mean of its four neighbours, times four."""
    bordered = np.pad(values, 1, mode="edge")
    above, below = bordered[:-2, 1:-1], bordered[2:, 1:-1]
    left, right = bordered[1:-1, :-2], bordered[1:-1, 2:]
    difference: NDArray[Any] = 4 * values - above - below - left - right
    return difference
