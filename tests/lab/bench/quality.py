"""The quality of a rendition, compared with the same pixels shrunk by Lanczos, uncompressed."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.float64]

WINDOW = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
"""Weights of the neighbours: a Gaussian window of 11 pixels (Wang et al., 2004)."""

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""Constants that stabilise the quotients (Wang et al., 2004)."""


def ssim(body: bytes, reference: Image.Image) -> float:
    """The mean structural similarity of the luma; 1 if identical."""
    first, second = opened(body), grey(reference)
    mean1, mean2 = _mean(first), _mean(second)
    variance1 = _mean(first * first) - mean1**2
    variance2 = _mean(second * second) - mean2**2
    covariance = _mean(first * second) - mean1 * mean2
    alike = (2 * mean1 * mean2 + C1) * (2 * covariance + C2)
    return float((alike / ((mean1**2 + mean2**2 + C1) * (variance1 + variance2 + C2))).mean())


def sharpness(body: bytes) -> float:
    """The standard deviation of the Laplacian; a softer resampler lowers it first."""
    image = opened(body)
    inner = image[1:-1, 1:-1]
    across, down = image[1:-1, :-2] + image[1:-1, 2:], image[:-2, 1:-1] + image[2:, 1:-1]
    return float((across + down - 4 * inner).std())


def opened(body: bytes) -> Grey:
    return grey(Image.open(io.BytesIO(body)))


def grey(picture: Image.Image) -> Grey:
    return np.asarray(picture.convert("L"), dtype=np.float64)


def _mean(image: Grey) -> Grey:
    """The weighted mean around each pixel that has all its neighbours."""
    return _along(_along(image, 0), 1)


def _along(image: Grey, axis: int) -> Grey:
    inside = image.shape[axis] - WINDOW.size + 1
    parts = (
        weight * image.take(range(n, n + inside), axis)
        for n, weight in enumerate(WINDOW / WINDOW.sum())
    )
    total: Grey = sum(parts, np.zeros(()))
    return total
