"""What a line of text says: PP-OCRv6's recognizer, with the place of each character."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.coordinates import Polygon
from infra.rekognition.packages import TEXT_READER
from infra.rekognition.sessions import open_session

INPUT: Final = "x"
HEIGHT: Final = 48  # pixels
NARROWEST: Final = 320  # pixels: what is shorter is filled up, as the network was trained
BLANK: Final = 0  # the class that stands for "no new character here"

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Character:
    """Its probability, and its middle along the line in ratios of the line's length."""

    text: str
    score: float
    middle: float


class TextReader:
    """Safe for several threads at once, as an onnxruntime session is."""

    def __init__(self, models: Path, threads: int) -> None:
        self._session = open_session(models / TEXT_READER, threads)
        known = self._session.get_modelmeta().custom_metadata_map["character"].split("\n")
        self._characters = ["", *known, " "]

    def read(self, picture: Image.Image, line: Polygon) -> list[Character]:
        """The characters of a line, spaces among them, in their order."""
        cut = _straightened(np.asarray(picture), line)
        width = max(1, round(cut.shape[1] * HEIGHT / cut.shape[0]))
        values = cv2.resize(cut, (width, HEIGHT))[:, :, ::-1].astype(np.float32) / 127.5 - 1
        filled = np.zeros((HEIGHT, max(width, NARROWEST), 3), np.float32)
        filled[:, :width] = values
        (answer,) = self._session.run(None, {INPUT: filled.transpose(2, 0, 1)[None]})
        return self._decode(answer[0], filled.shape[1] / width)

    def _decode(self, columns: Numbers, filled: float) -> list[Character]:
        """One character wherever another one begins; `filled` is the picture's part in lengths."""
        best = columns.argmax(1)
        begins = np.flatnonzero((best != BLANK) & (best != np.concatenate([[BLANK], best[:-1]])))
        return [
            Character(
                text=self._characters[best[column]],
                score=float(columns[column, best[column]]),
                middle=min(1.0, (float(column) + 0.5) / len(columns) * filled),
            )
            for column in begins
        ]


def _straightened(pixels: Numbers, line: Polygon) -> Numbers:
    """The line by itself, its text brought level."""
    size = np.array(pixels.shape[1::-1])
    corners = (np.array([(point.x, point.y) for point in line]) * size).astype(np.float32)
    begin, end, end_below, begin_below = corners
    width = _longer(end - begin, end_below - begin_below)
    height = _longer(begin_below - begin, end_below - end)
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    cut: Numbers = cv2.warpPerspective(
        pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return cut


def _longer(first: Numbers, second: Numbers) -> int:
    """Of two sides, in whole pixels."""
    return max(1, round(float(max(np.linalg.norm(first), np.linalg.norm(second)))))
