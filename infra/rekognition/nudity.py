"""How likely a picture shows nudity: Yahoo's open_nsfw."""

from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from infra.rekognition.packages import NUDITY
from infra.rekognition.sessions import open_session

INPUT: Final = "input:0"
RESIZED, SIDE = 256, 224  # pixels: of the whole picture brought to the one, the middle is seen
MEAN_COLOUR: Final = np.array((104, 117, 123), np.float32)  # blue, green, red


class NudityClassifier:
    """Safe for several threads at once, as an onnxruntime session is."""

    def __init__(self, models: Path, threads: int) -> None:
        self._session = open_session(models / NUDITY, threads)

    def score(self, picture: Image.Image) -> float:
        """A probability."""
        values = np.asarray(_as_trained(picture), np.float32)[:, :, ::-1] - MEAN_COLOUR
        (answer,) = self._session.run(None, {INPUT: values[None]})
        return float(answer[0, 1])


def _as_trained(picture: Image.Image) -> Image.Image:
    """Through JPEG, because its training pictures went through it: scores depend on that."""
    border = (RESIZED - SIDE) // 2
    small = picture.resize((RESIZED, RESIZED), Image.Resampling.BILINEAR)
    middle = small.crop((border, border, border + SIDE, border + SIDE))
    file = BytesIO()
    middle.save(file, "JPEG")
    return Image.open(file)
