"""Detects lines of text with PP-OCRv6's detector, which outputs a probability for each pixel.

The post-processing follows "Real-time Scene Text Detection with Differentiable Binarization",
https://arxiv.org/abs/1911.08947, with PaddleOCR's settings.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.coordinates import Point, Polygon
from infra.rekognition.packages import TEXT_DETECTION
from infra.rekognition.sessions import open_session

INPUT: Final = "x"
SIDE_MULTIPLE: Final = 32  # the network halves the picture five times

# The input's longest and shortest side, in pixels. The time grows with the square of the longest.
# With a smaller shortest side, small print in a small picture is not found.
MAX_INPUT_SIDE, MIN_INPUT_SIDE = 960, 320

MIN_PIXEL_SCORE: Final = 0.3  # least probability of a pixel of text
MIN_LINE_SCORE: Final = 0.5  # least mean probability of a line
UNCLIP_RATIO: Final = 1.6  # expands lines, which the network shrinks to separate neighbours
MIN_THICKNESS: Final = 3  # pixels, before a line is expanded
VERTICAL_RATIO: Final = 1.5  # height to width; a line with more is written downwards
MAX_LINES: Final = 1000
DILATION_KERNEL: Final = np.ones((2, 2), np.uint8)

Numbers = NDArray[Any]


class TextDetector:
    """Safe to use from several threads at once, like the onnxruntime session."""

    def __init__(self, models: Path, threads: int) -> None:
        self._session = open_session(models / TEXT_DETECTION, threads)

    def find(self, picture: Image.Image) -> list[Polygon]:
        """The corners of each line, clockwise from the start of its text. Lines are unsorted."""
        small = picture.resize(input_size(picture.size), Image.Resampling.BILINEAR)
        blue_first = np.asarray(small, np.float32)[:, :, ::-1].transpose(2, 0, 1)[None]
        (output,) = self._session.run(None, {INPUT: blue_first / 127.5 - 1})
        return list(_lines(output[0, 0]))


def input_size(size: tuple[int, int]) -> tuple[int, int]:
    """The input's width and height: multiples of 32, in the picture's proportions."""
    ratio = min(MAX_INPUT_SIDE / max(size), max(1.0, MIN_INPUT_SIDE / min(size)))
    width, height = (
        max(SIDE_MULTIPLE, round(side * ratio / SIDE_MULTIPLE) * SIDE_MULTIPLE) for side in size
    )
    return width, height


def _lines(probabilities: Numbers) -> Iterator[Polygon]:
    mask = cv2.dilate((probabilities > MIN_PIXEL_SCORE).astype(np.uint8), DILATION_KERNEL)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    height, width = probabilities.shape
    for contour in contours[:MAX_LINES]:
        middle, sides, angle = cv2.minAreaRect(contour)
        rectangle = (middle, sides, angle)
        if min(sides) < MIN_THICKNESS or _mean(probabilities, rectangle) < MIN_LINE_SCORE:
            continue
        corners = _reading_order(cv2.boxPoints((middle, _expanded(*sides), angle)))
        clipped = np.clip(corners / (width, height), 0, 1)
        yield tuple(Point(x, y) for x, y in clipped.tolist())


def _mean(probabilities: Numbers, rectangle: Any) -> float:
    """The mean probability inside a rotated rectangle."""
    corners = cv2.boxPoints(rectangle)
    left, top = np.maximum(np.floor(corners.min(0)).astype(int), 0)
    right, bottom = np.ceil(corners.max(0)).astype(int) + 1
    window = np.ascontiguousarray(probabilities[top:bottom, left:right])
    mask = np.zeros(window.shape, np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], (1,))
    return float(cv2.mean(window, mask)[0])


def _expanded(width: float, height: float) -> tuple[float, float]:
    """The sides of a line after each edge moved outwards by the same distance."""
    distance = width * height * UNCLIP_RATIO / (2 * (width + height))
    return width + 2 * distance, height + 2 * distance


def _reading_order(corners: Numbers) -> Numbers:
    """The corners clockwise from the start of the text.

    It starts at the top left. In a vertical line it starts at the top right and runs downwards.
    """
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = (pair[np.argsort(pair[:, 1], kind="stable")] for pair in (by_x[:2], by_x[2:]))
    clockwise = np.array([left[0], right[0], right[1], left[1]])
    width, height = np.linalg.norm(right[0] - left[0]), np.linalg.norm(left[1] - left[0])
    return np.roll(clockwise, -1, axis=0) if height >= width * VERTICAL_RATIO else clockwise
