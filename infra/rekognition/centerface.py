"""Detects faces and five landmarks of each, with CenterFace."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.coordinates import Box, Point, inside
from infra.rekognition.onnx_inputs import with_input
from infra.rekognition.packages import CENTERFACE
from infra.rekognition.sessions import open_session

Numbers = NDArray[Any]

INPUT: Final = "input.1"
SIDE_MULTIPLE: Final = 32  # the network halves the picture five times
CELL: Final = 4  # side of an output cell, in pixels of the input

# The longest side of the input, in pixels. The smallest face found is about a fortieth of it. With
# 960, faces a third smaller would be found, in three times the time.
MAX_INPUT_SIDE: Final = 640
# A large JPEG is decoded with at least this side, so that single faces retain their detail.
DECODED_SIDE: Final = 2 * MAX_INPUT_SIDE
# The least probability of a face. In the photos of `make accuracy`, faces have .83 and more, a half
# hidden face has .28, anything else has at most .18. Small faces have less than large ones.
MIN_SCORE: Final = 0.4
MAX_IOU: Final = 0.3  # boxes whose intersection over union is larger are the same face


@dataclass(frozen=True)
class Landmarks:
    """The five landmarks of a face. Left and right are the viewer's."""

    left_eye: Point
    right_eye: Point
    nose: Point
    mouth_left: Point
    mouth_right: Point

    def pixels(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """Five rows of x and y, in pixels of a picture of this size."""
        points = (self.left_eye, self.right_eye, self.nose, self.mouth_left, self.mouth_right)
        return np.array([(point.x, point.y) for point in points]) * size


@dataclass(frozen=True)
class DetectedFace:
    """A detected face: its probability, box and landmarks."""

    score: float
    box: Box
    landmarks: Landmarks


class FaceDetector:
    """Safe to use from several threads at once, like the onnxruntime session."""

    def __init__(self, models: Path, threads: int) -> None:
        model = with_input((models / CENTERFACE).read_bytes(), INPUT, (1, 3, "height", "width"))
        self._session = open_session(model, threads)

    def detect(self, picture: Image.Image) -> list[DetectedFace]:
        """All faces, the largest first."""
        small = picture.resize(_input_size(picture.size), Image.Resampling.BILINEAR)
        values = np.asarray(small, np.float32).transpose(2, 0, 1)[None]
        heat, scale, offset, marks = (
            output[0] for output in self._session.run(None, {INPUT: values})
        )
        cells = np.nonzero(heat[0] >= MIN_SCORE)
        boxes = _boxes(np.array(cells), scale[:, *cells], offset[:, *cells])
        landmarks = _landmarks(boxes, marks[:, *cells])
        scores = heat[0][cells]
        faces = [
            _face(float(scores[row]), boxes[row] / (small.size * 2), landmarks[row] / small.size)
            for row in _distinct(boxes, scores)
        ]
        return sorted(faces, key=lambda face: -face.box.width * face.box.height)


def _input_size(size: tuple[int, int]) -> tuple[int, int]:
    """The input's width and height: within the limit, and multiples of 32."""
    ratio = min(1.0, MAX_INPUT_SIDE / max(size))
    width, height = (
        max(SIDE_MULTIPLE, math.ceil(side * ratio / SIDE_MULTIPLE) * SIDE_MULTIPLE) for side in size
    )
    return width, height


def _boxes(cells: Numbers, scale: Numbers, offset: Numbers) -> Numbers:
    """Rows of left, top, right, bottom in pixels. The network outputs y first, and log sizes."""
    sides = np.exp(scale) * CELL
    starts = (cells + offset + 0.5) * CELL - sides / 2
    return np.concatenate([starts[::-1], (starts + sides)[::-1]]).T


def _landmarks(boxes: Numbers, marks: Numbers) -> Numbers:
    """Five points for each face, in pixels. The network outputs ratios of the box, y first."""
    points = marks.T.reshape(-1, 5, 2)[:, :, ::-1]
    starts, sides = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    result: Numbers = starts + points * sides
    return result


def _distinct(boxes: Numbers, scores: Numbers) -> Iterable[int]:
    """The rows that remain after non-maximum suppression: one for each face, the best."""
    sized = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    rows = cv2.dnn.NMSBoxes(sized.tolist(), scores.tolist(), MIN_SCORE, MAX_IOU)
    return (int(row) for row in rows)


def _face(score: float, edges: Numbers, landmarks: Numbers) -> DetectedFace:
    points = (Point(float(x), float(y)) for x, y in landmarks)
    return DetectedFace(score, inside(*edges.tolist()), Landmarks(*points))
