"""Where lines of text are: PP-OCRv6's detector, which paints a picture of how likely text is.

What is done with that picture follows "Real-time Scene Text Detection with Differentiable
Binarization", https://arxiv.org/abs/1911.08947, in PaddleOCR's settings.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.coordinates import Point, Polygon
from infra.rekognition.packages import TEXT_FINDER
from infra.rekognition.sessions import open_session

INPUT: Final = "x"
STEP: Final = 32  # the network halves the picture five times

# The sides that are looked at, in pixels. More than the longest costs time in proportion to its
# square; less than the shortest, and small print of a small picture is not found.
LONGEST, SHORTEST = 960, 320

LIKELY: Final = 0.3  # a pixel that may belong to text
FLOOR: Final = 0.5  # the mean over a line, below which it is none
GROWTH: Final = 1.6  # lines are painted thinner than they are, so that neighbours do not touch
THINNEST: Final = 3  # pixels, before a line has grown
STANDING: Final = 1.5  # a line this many times as high as it is wide is written downwards
MOST_LINES: Final = 1000
JOINING: Final = np.ones((2, 2), np.uint8)

Numbers = NDArray[Any]


class TextFinder:
    """Safe for several threads at once, as an onnxruntime session is."""

    def __init__(self, models: Path, threads: int) -> None:
        self._session = open_session(models / TEXT_FINDER, threads)

    def find(self, picture: Image.Image) -> list[Polygon]:
        """The four corners of each line, clockwise from where its text begins, in any order."""
        small = picture.resize(input_size(picture.size), Image.Resampling.BILINEAR)
        blue_first = np.asarray(small, np.float32)[:, :, ::-1].transpose(2, 0, 1)[None]
        (answer,) = self._session.run(None, {INPUT: blue_first / 127.5 - 1})
        return list(_lines(answer[0, 0]))


def input_size(size: tuple[int, int]) -> tuple[int, int]:
    """The sides that are looked at: multiples of the step, in the picture's proportions."""
    ratio = min(LONGEST / max(size), max(1.0, SHORTEST / min(size)))
    width, height = (max(STEP, round(side * ratio / STEP) * STEP) for side in size)
    return width, height


def _lines(likelihood: Numbers) -> Iterator[Polygon]:
    mask = cv2.dilate((likelihood > LIKELY).astype(np.uint8), JOINING)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    height, width = likelihood.shape
    for contour in contours[:MOST_LINES]:
        middle, sides, angle = cv2.minAreaRect(contour)
        if min(sides) < THINNEST or _mean(likelihood, (middle, sides, angle)) < FLOOR:
            continue
        corners = _reading_order(cv2.boxPoints((middle, _grown(*sides), angle)))
        within = np.clip(corners / (width, height), 0, 1)
        yield tuple(Point(x, y) for x, y in within.tolist())


def _mean(likelihood: Numbers, rectangle: Any) -> float:
    """Over the pixels inside a turned rectangle."""
    corners = cv2.boxPoints(rectangle)
    left, top = np.maximum(np.floor(corners.min(0)).astype(int), 0)
    right, bottom = np.ceil(corners.max(0)).astype(int) + 1
    window = np.ascontiguousarray(likelihood[top:bottom, left:right])
    mask = np.zeros(window.shape, np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], (1,))
    return float(cv2.mean(window, mask)[0])


def _grown(width: float, height: float) -> tuple[float, float]:
    """Each edge moved outwards by the same distance."""
    distance = width * height * GROWTH / (2 * (width + height))
    return width + 2 * distance, height + 2 * distance


def _reading_order(corners: Numbers) -> Numbers:
    """Clockwise from the top left one; from the top right one where the line stands.

    So a line that stands is read downwards, as one that lies is to the right.
    """
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = (pair[np.argsort(pair[:, 1], kind="stable")] for pair in (by_x[:2], by_x[2:]))
    clockwise = np.array([left[0], right[0], right[1], left[1]])
    width, height = np.linalg.norm(right[0] - left[0]), np.linalg.norm(left[1] - left[0])
    return np.roll(clockwise, -1, axis=0) if height >= width * STANDING else clockwise
