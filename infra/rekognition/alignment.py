"""Crops faces and rotates them upright, as in the training data of the face networks."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.centerface import Landmarks

# The eyes, the nose and the corners of the mouth in dlib's mean face, as ratios of its size.
MEAN_FACE: Final = np.array(
    [(0.2273, 0.2214), (0.7528, 0.2212), (0.4901, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802)]
)

# The largest factor of oversampling. A larger one costs more time than it gains.
MAX_OVERSAMPLING: Final = 4

Matrix = NDArray[Any]


def aligned(
    picture: Image.Image, landmarks: Landmarks, *, side: int, padding: float
) -> Image.Image:
    """The face as a square with `side` pixels a side.

    `padding` is the margin around the mean face, as a ratio of its size.
    """
    target = (MEAN_FACE + padding) / (1 + 2 * padding) * side
    matrix, shift = similarity(target, landmarks.pixels(picture.size))
    # Sampling a large face at single pixels would alias: sample it finer, then scale it down.
    factor = min(MAX_OVERSAMPLING, max(1, math.ceil(np.linalg.norm(matrix[0]))))
    crop = transformed(picture, matrix / factor, shift, side * factor)
    return crop.resize((side, side), Image.Resampling.BOX)


def transformed(picture: Image.Image, matrix: Matrix, shift: Matrix, side: int) -> Image.Image:
    """A square whose pixel at `p` is the picture's at `matrix @ p + shift`."""
    (a, b), (c, d) = matrix.tolist()
    x, y = shift.tolist()
    return picture.transform(
        (side, side), Image.Transform.AFFINE, (a, b, x, c, d, y), Image.Resampling.BICUBIC
    )


def similarity(source: Matrix, target: Matrix) -> tuple[Matrix, Matrix]:
    """The rotation, scale and shift that map the source points closest to the target points.

    Method: Umeyama, IEEE Transactions on Pattern Analysis and Machine Intelligence 13 (4), 1991.
    """
    centered_source, centered_target = source - source.mean(0), target - target.mean(0)
    covariance = centered_target.T @ centered_source / len(source)
    u, singular_values, vt = np.linalg.svd(covariance)
    signs = np.array([1.0, np.sign(np.linalg.det(u @ vt))])  # no reflection
    rotation = u @ np.diag(signs) @ vt
    matrix = (singular_values * signs).sum() / centered_source.var(0).sum() * rotation
    return matrix, target.mean(0) - matrix @ source.mean(0)
