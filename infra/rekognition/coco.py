"""Which things are where: SSD-MobileNetV2 over COCO's 80 things."""

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

# Below this the detector's boxes are mostly wrong; above it some still are (a computer mouse on a
# space suit, .48), which is what MinConfidence is for.
FLOOR: Final = 0.35


@dataclass(frozen=True)
class Detection:
    """One thing: its id in COCO's list, the probability, and where it is."""

    thing: int
    score: float
    box: Box


class CocoDetector:
    """One picture at a time: OpenCV's networks keep their input between two calls."""

    def __init__(self, models: Path, threads: int) -> None:
        cv2.setNumThreads(threads)
        graph, config = models / SSD_GRAPH, models / SSD_CONFIG
        self._network = cv2.dnn.readNetFromTensorflow(str(graph), str(config))
        self._lock = Lock()

    def detect(self, picture: Image.Image, least: float = 0.0) -> list[Detection]:
        """What is in the picture with at least this probability, the surest first."""
        # The network itself takes values of 0-255.
        small = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        blob = cv2.dnn.blobFromImage(np.asarray(small))
        with self._lock:
            self._network.setInput(blob)
            rows = self._network.forward()[0, 0].copy()
        return [_detection(row) for row in rows if row[2] >= max(least, FLOOR)]


def _detection(row: NDArray[np.float32]) -> Detection:
    """A row is (picture, thing, score, left, top, right, bottom); boxes may stick out."""
    left, top, right, bottom = (float(edge) for edge in row[3:7])
    return Detection(int(row[1]), float(row[2]), inside(left, top, right, bottom))
