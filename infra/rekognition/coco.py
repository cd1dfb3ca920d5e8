"""Detects objects of COCO's 80 classes, with SSD-MobileNetV2."""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.coordinates import Box, inside
from infra.rekognition.packages import SSD_CONFIG, SSD_GRAPH

SIDE: Final = 300  # pixels

# The least probability of an object. Below it most boxes are wrong. Above it some are, too (a
# computer mouse on a space suit, .48); a client can exclude them with MinConfidence.
MIN_SCORE: Final = 0.35


@dataclass(frozen=True)
class Detection:
    """A detected object: its class id in COCO's list, probability and box."""

    class_id: int
    score: float
    box: Box


class CocoDetector:
    """Handles one picture at a time, because OpenCV's networks store their input."""

    def __init__(self, models: Path, threads: int) -> None:
        cv2.setNumThreads(threads)
        graph, config = models / SSD_GRAPH, models / SSD_CONFIG
        self._network = cv2.dnn.readNetFromTensorflow(str(graph), str(config))
        self._lock = Lock()

    def detect(self, picture: Image.Image, min_score: float = 0.0) -> list[Detection]:
        """The objects with at least this probability, the most probable first."""
        # The network takes values from 0 to 255.
        small = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        blob = cv2.dnn.blobFromImage(np.asarray(small))
        with self._lock:
            self._network.setInput(blob)
            rows = self._network.forward()[0, 0].copy()
        return [_detection(row) for row in rows if row[2] >= max(min_score, MIN_SCORE)]


def _detection(row: NDArray[np.float32]) -> Detection:
    """A row is (picture, class, score, left, top, right, bottom). A box may exceed the picture."""
    left, top, right, bottom = (float(edge) for edge in row[3:7])
    return Detection(int(row[1]), float(row[2]), inside(left, top, right, bottom))
