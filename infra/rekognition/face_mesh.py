"""Fits MediaPipe's three-dimensional mesh of 468 points to a face."""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.alignment import transformed
from infra.rekognition.centerface import DetectedFace
from infra.rekognition.coordinates import Point
from infra.rekognition.packages import FACE_MESH

SIDE: Final = 192  # pixels
POINTS: Final = 468
CROP: Final = 1.5  # the input's side, as a ratio of the face's longer side; includes a margin

# Rekognition's names of landmarks, and the points of the mesh at their places. It has no pupils.
LANDMARKS: Final = {
    "leftEyeBrowLeft": 70,
    "leftEyeBrowUp": 105,
    "leftEyeBrowRight": 107,
    "rightEyeBrowLeft": 336,
    "rightEyeBrowUp": 334,
    "rightEyeBrowRight": 300,
    "leftEyeLeft": 33,
    "leftEyeUp": 159,
    "leftEyeRight": 133,
    "leftEyeDown": 145,
    "rightEyeLeft": 362,
    "rightEyeUp": 386,
    "rightEyeRight": 263,
    "rightEyeDown": 374,
    "noseLeft": 98,
    "noseRight": 327,
    "mouthUp": 0,
    "mouthDown": 17,
    "upperJawlineLeft": 234,
    "midJawlineLeft": 172,
    "chinBottom": 152,
    "midJawlineRight": 397,
    "upperJawlineRight": 454,
}
LEFT_EYE, RIGHT_EYE = 33, 263  # the outer corners
FOREHEAD, CHIN = 10, 152
UPPER_LIP, LOWER_LIP = 13, 14  # the inner edges
MOUTH_LEFT, MOUTH_RIGHT = 78, 308  # the inner corners


@dataclass(frozen=True)
class Pose:
    """A pose in degrees: roll clockwise, yaw towards the viewer's right, pitch upwards.

    AWS does not document the signs; these are our choice.
    """

    roll: float
    yaw: float
    pitch: float


@dataclass(frozen=True)
class Mesh:
    """Values of a face's mesh. The mouth's opening is a ratio of the mouth's width."""

    landmarks: dict[str, Point]
    pose: Pose
    mouth_opening: float


class FaceMesh:
    """Handles one face at a time, because OpenCV's networks store their input."""

    def __init__(self, models: Path, threads: int) -> None:
        cv2.setNumThreads(threads)
        self._network = cv2.dnn.readNetFromTFLite(str(models / FACE_MESH))
        self._lock = Lock()

    def fit(self, picture: Image.Image, face: DetectedFace) -> Mesh:
        """The values of a detected face's mesh."""
        roll, matrix, shift = _upright(face, picture.size)
        crop = transformed(picture, matrix, shift, SIDE)
        blob = cv2.dnn.blobFromImage(np.asarray(crop), scalefactor=1 / 255)
        with self._lock:
            self._network.setInput(blob)
            points = self._network.forward().reshape(POINTS, 3).copy()
        positions = (points[:, :2] @ matrix.T + shift) / picture.size
        landmarks = {name: Point(*positions[row].tolist()) for name, row in LANDMARKS.items()}
        return Mesh(landmarks, _pose(points, np.degrees(roll)), _mouth_opening(points))


def _upright(face: DetectedFace, size: tuple[int, int]) -> tuple[float, NDArray[Any], NDArray[Any]]:
    """The face's roll in radians; the matrix and shift from the crop's to the picture's pixels."""
    left_eye, right_eye, *_ = face.landmarks.pixels(size)
    roll = float(np.arctan2(*(right_eye - left_eye)[::-1]))
    middle = np.array((face.box.left + face.box.right, face.box.top + face.box.bottom)) / 2 * size
    scale = max(face.box.width * size[0], face.box.height * size[1]) * CROP / SIDE
    matrix = np.array([(np.cos(roll), -np.sin(roll)), (np.sin(roll), np.cos(roll))]) * scale
    return roll, matrix, middle - matrix @ np.array((SIDE / 2, SIDE / 2))


def _pose(points: NDArray[Any], roll: float) -> Pose:
    """The pose by two lines: eye to eye, forehead to chin. z grows away from the viewer."""
    across, down = points[RIGHT_EYE] - points[LEFT_EYE], points[CHIN] - points[FOREHEAD]
    yaw, pitch = np.degrees((np.arctan2(across[2], across[0]), -np.arctan2(down[2], down[1])))
    return Pose(float(roll), float(yaw), float(pitch))


def _mouth_opening(points: NDArray[Any]) -> float:
    height = np.linalg.norm(points[UPPER_LIP] - points[LOWER_LIP])
    return float(height / np.linalg.norm(points[MOUTH_LEFT] - points[MOUTH_RIGHT]))
