"""Reads a line of text with PP-OCRv6's recognizer, with the position of each character."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.coordinates import Polygon
from infra.rekognition.packages import TEXT_RECOGNITION
from infra.rekognition.sessions import open_session

INPUT: Final = "x"
HEIGHT: Final = 48  # pixels
MIN_WIDTH: Final = 320  # pixels; shorter lines are padded, as in the network's training
BLANK: Final = 0  # the class that means "no new character here"

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Character:
    """A character, its probability, and its middle as a ratio of the line's length."""

    text: str
    score: float
    middle: float


class TextRecognizer:
    """Safe to use from several threads at once, like the onnxruntime session."""

    def __init__(self, models: Path, threads: int) -> None:
        self._session = open_session(models / TEXT_RECOGNITION, threads)
        alphabet = self._session.get_modelmeta().custom_metadata_map["character"].split("\n")
        self._characters = ["", *alphabet, " "]

    def read(self, picture: Image.Image, line: Polygon) -> list[Character]:
        """The characters of a line in their order, including spaces."""
        crop = _straightened(np.asarray(picture), line)
        width = max(1, round(crop.shape[1] * HEIGHT / crop.shape[0]))
        values = cv2.resize(crop, (width, HEIGHT))[:, :, ::-1].astype(np.float32) / 127.5 - 1
        padded = np.zeros((HEIGHT, max(width, MIN_WIDTH), 3), np.float32)
        padded[:, :width] = values
        (output,) = self._session.run(None, {INPUT: padded.transpose(2, 0, 1)[None]})
        return self._decode(output[0], padded.shape[1] / width)

    def _decode(self, columns: Numbers, padded: float) -> list[Character]:
        """A character for each column where a new one starts.

        `padded` is the length of the padded line, as a ratio of the line's length.
        """
        best = columns.argmax(1)
        starts = np.flatnonzero((best != BLANK) & (best != np.concatenate([[BLANK], best[:-1]])))
        return [
            Character(
                text=self._characters[best[column]],
                score=float(columns[column, best[column]]),
                middle=min(1.0, (float(column) + 0.5) / len(columns) * padded),
            )
            for column in starts
        ]


def _straightened(pixels: Numbers, line: Polygon) -> Numbers:
    """The line as a rectangle with horizontal text."""
    size = np.array(pixels.shape[1::-1])
    corners = (np.array([(point.x, point.y) for point in line]) * size).astype(np.float32)
    top_left, top_right, bottom_right, bottom_left = corners
    width = _longer(top_right - top_left, bottom_right - bottom_left)
    height = _longer(bottom_left - top_left, bottom_right - top_right)
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    rectangle: Numbers = cv2.warpPerspective(
        pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return rectangle


def _longer(first: Numbers, second: Numbers) -> int:
    """The length of the longer side in whole pixels, at least one."""
    return max(1, round(float(max(np.linalg.norm(first), np.linalg.norm(second)))))
