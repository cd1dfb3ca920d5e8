"""Where faces are: CenterFace, which also gives five landmarks of each."""

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
STEP: Final = 32  # the network halves the picture five times
CELL: Final = 4  # pixels of the picture for each cell of its answers

# The longest side that is looked at, in pixels: a face is found from about a fortieth of it on. At
# 960 one a third smaller would be, for three times the time.
LONGEST: Final = 640
# A large JPEG is decoded at no less than twice that, so that single faces keep their detail.
DECODED_SIDE: Final = 2 * LONGEST
# The least probability of a face. On the pictures of `make accuracy` faces have .83 and more, one
# that is half hidden .28, what is none .18 at most. Small faces have less than large ones.
FLOOR: Final = 0.4
SAME_FACE: Final = 0.3  # boxes that share this much of their union are one face


@dataclass(frozen=True)
class Landmarks:
    """Left and right are the viewer's."""

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
class FoundFace:
    """One face: the probability that it is one, its box and its landmarks."""

    score: float
    box: Box
    landmarks: Landmarks


class FaceDetector:
    """Safe for several threads at once, as an onnxruntime session is."""

    def __init__(self, models: Path, threads: int) -> None:
        model = with_input((models / CENTERFACE).read_bytes(), INPUT, (1, 3, "height", "width"))
        self._session = open_session(model, threads)

    def detect(self, picture: Image.Image) -> list[FoundFace]:
        """Every face, the largest first."""
        small = picture.resize(_input_size(picture.size), Image.Resampling.BILINEAR)
        values = np.asarray(small, np.float32).transpose(2, 0, 1)[None]
        heat, scale, offset, marks = (
            answer[0] for answer in self._session.run(None, {INPUT: values})
        )
        cells = np.nonzero(heat[0] >= FLOOR)
        boxes = _boxes(np.array(cells), scale[:, *cells], offset[:, *cells])
        landmarks = _landmarks(boxes, marks[:, *cells])
        scores = heat[0][cells]
        faces = [
            _face(float(scores[each]), boxes[each] / (small.size * 2), landmarks[each] / small.size)
            for each in _distinct(boxes, scores)
        ]
        return sorted(faces, key=lambda face: -face.box.width * face.box.height)


def _input_size(size: tuple[int, int]) -> tuple[int, int]:
    """No side longer than the longest, each a multiple of the step."""
    ratio = min(1.0, LONGEST / max(size))
    width, height = (max(STEP, math.ceil(side * ratio / STEP) * STEP) for side in size)
    return width, height


def _boxes(cells: Numbers, scale: Numbers, offset: Numbers) -> Numbers:
    """Rows of left, top, right, bottom in pixels; the network says y first, and logarithms."""
    sides = np.exp(scale) * CELL
    starts = (cells + offset + 0.5) * CELL - sides / 2
    return np.concatenate([starts[::-1], (starts + sides)[::-1]]).T


def _landmarks(boxes: Numbers, marks: Numbers) -> Numbers:
    """For each face five points in pixels; the network says them in ratios of the box, y first."""
    points = marks.T.reshape(-1, 5, 2)[:, :, ::-1]
    starts, sides = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    result: Numbers = starts + points * sides
    return result


def _distinct(boxes: Numbers, scores: Numbers) -> Iterable[int]:
    """Of boxes over one face, the surest."""
    sized = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(sized.tolist(), scores.tolist(), FLOOR, SAME_FACE)
    return (int(each) for each in kept)


def _face(score: float, edges: Numbers, landmarks: Numbers) -> FoundFace:
    points = (Point(float(x), float(y)) for x, y in landmarks)
    return FoundFace(score, inside(*edges.tolist()), Landmarks(*points))
