"""Estimates how likely a picture shows nudity, with Yahoo's open_nsfw."""

from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from infra.rekognition.packages import NUDITY
from infra.rekognition.sessions import open_session

INPUT: Final = "input:0"
RESIZED, SIDE = 256, 224  # pixels; the picture is resized to 256, then its middle 224 are cropped
MEAN_COLOUR: Final = np.array((104, 117, 123), np.float32)  # blue, green, red


class NudityClassifier:
    """Safe to use from several threads at once, like the onnxruntime session."""

    def __init__(self, models: Path, threads: int) -> None:
        self._session = open_session(models / NUDITY, threads)

    def score(self, picture: Image.Image) -> float:
        """The probability that the picture shows nudity."""
        values = np.asarray(_as_trained(picture), np.float32)[:, :, ::-1] - MEAN_COLOUR
        (output,) = self._session.run(None, {INPUT: values[None]})
        return float(output[0, 1])


def _as_trained(picture: Image.Image) -> Image.Image:
    """The network's input, encoded as JPEG like its training pictures, which affects the score."""
    border = (RESIZED - SIDE) // 2
    small = picture.resize((RESIZED, RESIZED), Image.Resampling.BILINEAR)
    middle = small.crop((border, border, border + SIDE, border + SIDE))
    file = BytesIO()
    middle.save(file, "JPEG")
    return Image.open(file)
