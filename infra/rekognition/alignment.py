"""Faces turned upright and cut out, as the networks that look at faces were trained to see them."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.centerface import Landmarks

# Where the two eyes, the nose and the corners of the mouth are in dlib's mean face, in ratios.
MEAN_FACE: Final = np.array(
    [(0.2273, 0.2214), (0.7528, 0.2212), (0.4901, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802)]
)

# Times the side that is asked for; what is larger still is not worth its time.
FINEST: Final = 4

Matrix = NDArray[Any]


def aligned(
    picture: Image.Image, landmarks: Landmarks, *, side: int, padding: float
) -> Image.Image:
    """A square of so many pixels a side; padding is around the mean face, in ratios of it."""
    wanted = (MEAN_FACE + padding) / (1 + 2 * padding) * side
    matrix, shift = similarity(wanted, landmarks.pixels(picture.size))
    # Looked up at single pixels, a large face would be noise: it is taken larger and brought down.
    finer = min(FINEST, max(1, math.ceil(np.linalg.norm(matrix[0]))))
    cut = transformed(picture, matrix / finer, shift, side * finer)
    return cut.resize((side, side), Image.Resampling.BOX)


def transformed(picture: Image.Image, matrix: Matrix, shift: Matrix, side: int) -> Image.Image:
    """The square whose pixels are looked up at `matrix @ pixel + shift`."""
    (a, b), (c, d) = matrix.tolist()
    x, y = shift.tolist()
    return picture.transform(
        (side, side), Image.Transform.AFFINE, (a, b, x, c, d, y), Image.Resampling.BICUBIC
    )


def similarity(source: Matrix, target: Matrix) -> tuple[Matrix, Matrix]:
    """The turn, scale and shift that bring one set of points closest to another: Umeyama's.

    IEEE Transactions on Pattern Analysis and Machine Intelligence 13 (4), 1991.
    """
    from_middle, to_middle = source - source.mean(0), target - target.mean(0)
    left, stretch, right = np.linalg.svd(to_middle.T @ from_middle / len(source))
    unmirrored = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(unmirrored) @ right
    matrix = (stretch * unmirrored).sum() / from_middle.var(0).sum() * turn
    return matrix, target.mean(0) - matrix @ source.mean(0)
