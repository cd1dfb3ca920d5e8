"""How good a rendition is, beside the same pixels shrunk by Lanczos and never compressed."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.float64]

WINDOW = 8
"""Pixels a side of the window in which SSIM compares."""

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""What keeps SSIM's quotients stable: the constants of Wang et al., 2004."""


def ssim(body: bytes, reference: Image.Image) -> float:
    """The mean structural similarity of the luma, 1 for the very same."""
    one, other = opened(body), grey(reference)
    mean1, mean2 = _mean(one), _mean(other)
    variance1 = _mean(one * one) - mean1**2
    variance2 = _mean(other * other) - mean2**2
    covariance = _mean(one * other) - mean1 * mean2
    alike = (2 * mean1 * mean2 + C1) * (2 * covariance + C2)
    return float((alike / ((mean1**2 + mean2**2 + C1) * (variance1 + variance2 + C2))).mean())


def sharpness(body: bytes) -> float:
    """The standard deviation of the Laplacian: what a softer resampler loses first."""
    image = opened(body)
    inner = image[1:-1, 1:-1]
    across, down = image[1:-1, :-2] + image[1:-1, 2:], image[:-2, 1:-1] + image[2:, 1:-1]
    return float((across + down - 4 * inner).std())


def opened(body: bytes) -> Grey:
    return grey(Image.open(io.BytesIO(body)))


def grey(picture: Image.Image) -> Grey:
    return np.asarray(picture.convert("L"), dtype=np.float64)


def _mean(image: Grey) -> Grey:
    """Of each window, by the sums of all that is above and to the left."""
    sums = np.pad(image.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[WINDOW:, WINDOW:] - sums[:-WINDOW, WINDOW:]
    total: Grey = inside - sums[WINDOW:, :-WINDOW] + sums[:-WINDOW, :-WINDOW]
    return total / WINDOW**2
