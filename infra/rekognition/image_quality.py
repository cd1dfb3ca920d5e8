"""Measures the brightness, sharpness and contrast of a picture from its pixels.

Rekognition reports values between 0 and 100 and does not document how it computes them. The values
here have their own scale: they order pictures, but they are not comparable with Rekognition's.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.coordinates import Box
from infra.rekognition.percents import percent

# The Laplacian's standard deviation that means sharpness 100: that of drawn text (8-bit pixels).
FULL_SHARPNESS: Final = 100.0
# The luminance's standard deviation that means contrast 100: half black, half white (8-bit pixels).
FULL_CONTRAST: Final = 127.5
MAX_SIDE: Final = 1024  # pixels; larger pictures are scaled down, so that size does not matter


@dataclass(frozen=True)
class Quality:
    """Three values between 0 and 100."""

    brightness: float
    sharpness: float
    contrast: float


def measure(picture: Image.Image) -> Quality:
    """The quality of a picture."""
    grey = picture.convert("L")
    grey.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    values = np.asarray(grey, np.float32)
    return Quality(
        brightness=percent(values.mean() / 255),
        sharpness=percent(_laplacian(values).std() / FULL_SHARPNESS),
        contrast=percent(values.std() / FULL_CONTRAST),
    )


def part(picture: Image.Image, box: Box) -> Image.Image:
    """The part of the picture inside the box, at least one pixel."""
    width, height = picture.size
    left, top = min(int(box.left * width), width - 1), min(int(box.top * height), height - 1)
    right, bottom = max(left + 1, int(box.right * width)), max(top + 1, int(box.bottom * height))
    return picture.crop((left, top, right, bottom))


def _laplacian(values: NDArray[Any]) -> NDArray[Any]:
    """The difference between each pixel and the mean of its four neighbours, times four."""
    bordered = np.pad(values, 1, mode="edge")
    above, below = bordered[:-2, 1:-1], bordered[2:, 1:-1]
    left, right = bordered[1:-1, :-2], bordered[1:-1, 2:]
    difference: NDArray[Any] = 4 * values - above - below - left - right
    return difference
