"""Classifies facial expressions with face-api's network, built as ONNX from its weights.

The network: https://github.com/vladmandic/face-api/tree/master/src/faceExpressionNet
"""

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from infra.rekognition.alignment import aligned
from infra.rekognition.centerface import Landmarks
from infra.rekognition.onnx_graph import Graph
from infra.rekognition.packages import EXPRESSIONS, EXPRESSIONS_TABLE
from infra.rekognition.sessions import open_session
from infra.rekognition.tfjs_file import Tensors, read_tensors

INPUT: Final = "face"
SIDE: Final = 112  # pixels
PADDING: Final = 0.25
MEAN_COLOUR: Final = np.array((122.782, 117.001, 104.298), np.float32)

# Rekognition's names of the network's classes, in the network's order. There is no CONFUSED.
EMOTIONS: Final = ("CALM", "HAPPY", "SAD", "ANGRY", "FEAR", "DISGUSTED", "SURPRISED")


class Expressions:
    """Safe to use from several threads at once, like the onnxruntime session."""

    def __init__(self, models: Path, threads: int) -> None:
        tensors = read_tensors(models / EXPRESSIONS_TABLE, models / EXPRESSIONS)
        self._session = open_session(_Network(tensors).build(), threads)

    def read(self, picture: Image.Image, face: Landmarks) -> dict[str, float]:
        """The probability of each emotion. They add up to 1."""
        crop = aligned(picture, face, side=SIDE, padding=PADDING)
        values = (np.asarray(crop, np.float32) - MEAN_COLOUR) / 255
        (output,) = self._session.run(None, {INPUT: values.transpose(2, 0, 1)[None]})
        return dict(zip(EMOTIONS, output[0].tolist(), strict=True))


class _Network:
    """Builds the graph: four dense blocks, where each layer's input is the sum of all before it."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._graph = Graph()

    def build(self) -> bytes:
        tensor = INPUT
        for block in range(4):
            tensor = self._block(tensor, f"dense{block}/", first=block == 0)
        tensor = self._graph.node("AveragePool", [tensor], kernel_shape=[7, 7], strides=[2, 2])
        tensor = self._graph.node("Flatten", [tensor])
        tensor = self._graph.node(
            "Gemm", [tensor, self._weight("fc/weights"), self._weight("fc/bias")]
        )
        probabilities = self._graph.node("Softmax", [tensor])
        return self._graph.model((INPUT, (1, 3, SIDE, SIDE)), (probabilities, (1, len(EMOTIONS))))

    def _block(self, tensor: str, prefix: str, *, first: bool) -> str:
        if first:
            tensor = self._convolve(tensor, f"{prefix}conv0/filters", bias=f"{prefix}conv0/bias")
        else:
            tensor = self._separable(tensor, f"{prefix}conv0/", stride=2)
        total = tensor = self._graph.node("Relu", [tensor])
        for layer in ("conv1/", "conv2/", "conv3/"):
            total = self._graph.node("Add", [total, self._separable(tensor, prefix + layer)])
            tensor = self._graph.node("Relu", [total])
        return tensor

    def _separable(self, tensor: str, prefix: str, stride: int = 1) -> str:
        """Depthwise separable convolution."""
        kernel = self._tensors[f"{prefix}depthwise_filter"].transpose(2, 3, 0, 1)
        depthwise = self._graph.node(
            "Conv",
            [tensor, self._graph.constant(f"{prefix}depthwise", kernel)],
            auto_pad="SAME_UPPER",
            group=len(kernel),
            kernel_shape=[3, 3],
            strides=[stride, stride],
        )
        return self._convolve(depthwise, f"{prefix}pointwise_filter", f"{prefix}bias", stride=1)

    def _convolve(self, tensor: str, filters: str, bias: str, stride: int = 2) -> str:
        kernel = self._tensors[filters].transpose(3, 2, 0, 1)
        return self._graph.node(
            "Conv",
            [tensor, self._graph.constant(filters, kernel), self._weight(bias)],
            auto_pad="SAME_UPPER",
            kernel_shape=kernel.shape[2:],
            strides=[stride, stride],
        )

    def _weight(self, name: str) -> str:
        return self._graph.constant(name, self._tensors[name])
