"""Computes a face descriptor of 128 numbers with face-api's port of dlib's network, built as ONNX.

Descriptors of one person's faces are close to each other. The network:
https://github.com/vladmandic/face-api/tree/master/src/faceRecognitionNet
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.alignment import aligned
from infra.rekognition.centerface import Landmarks
from infra.rekognition.onnx_graph import Graph
from infra.rekognition.packages import FACE_DESCRIPTOR, FACE_DESCRIPTOR_TABLE
from infra.rekognition.sessions import open_session
from infra.rekognition.tfjs_file import Tensors, read_tensors

INPUT: Final = "face"
SIDE: Final = 150  # pixels
PADDING: Final = 0.25
MEAN_COLOUR: Final = np.array((122.782, 117.001, 104.298), np.float32)
NUMBERS: Final = 128


@dataclass(frozen=True)
class _Stage:
    """Equal residual blocks, after one that halves the sides to `side` pixels."""

    name: str
    blocks: int
    channels: int
    side: int


FIRST: Final = _Stage("conv32", 3, channels=32, side=35)
STAGES: Final = (
    _Stage("conv64", 3, channels=64, side=17),
    _Stage("conv128", 2, channels=128, side=8),
    _Stage("conv256", 2, channels=256, side=4),
)
LAST: Final = _Stage("conv256_down_out", 0, channels=256, side=2)

Descriptor = NDArray[np.float32]


class FaceDescriber:
    """Safe to use from several threads at once, like the onnxruntime session."""

    def __init__(self, models: Path, threads: int) -> None:
        tensors = read_tensors(models / FACE_DESCRIPTOR_TABLE, models / FACE_DESCRIPTOR)
        self._session = open_session(_Network(tensors).build(), threads)

    def describe(self, picture: Image.Image, face: Landmarks) -> Descriptor:
        """The face's descriptor."""
        crop = aligned(picture, face, side=SIDE, padding=PADDING)
        values = (np.asarray(crop, np.float32) - MEAN_COLOUR) / 255
        (output,) = self._session.run(None, {INPUT: values.transpose(2, 0, 1)[None]})
        descriptor: Descriptor = output[0]
        return descriptor


def distance(first: Descriptor, second: Descriptor) -> float:
    """The Euclidean distance. Below 0.6, dlib's authors consider two faces the same person's."""
    return float(np.linalg.norm(first - second))


class _Network:
    """Builds the graph of a residual network: each block adds its output to its input."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._graph = Graph()

    def build(self) -> bytes:
        tensor = self._relu(self._convolve(INPUT, "conv32_down", stride=2))
        tensor = self._graph.node("MaxPool", [tensor], kernel_shape=[3, 3], strides=[2, 2])
        tensor = self._plain(tensor, FIRST)
        previous = FIRST
        for stage in STAGES:
            tensor = self._plain(
                self._halving(tensor, f"{stage.name}_down", previous, stage), stage
            )
            previous = stage
        tensor = self._halving(tensor, LAST.name, previous, LAST)
        tensor = self._graph.node("Flatten", [self._graph.node("GlobalAveragePool", [tensor])])
        tensor = self._graph.node("Gemm", [tensor, self._graph.constant("fc", self._tensors["fc"])])
        return self._graph.model((INPUT, (1, 3, SIDE, SIDE)), (tensor, (1, NUMBERS)))

    def _plain(self, tensor: str, stage: _Stage) -> str:
        for block in range(1, stage.blocks + 1):
            residual = self._twice(tensor, f"{stage.name}_{block}", stride=1)
            tensor = self._relu(self._graph.node("Add", [tensor, residual]))
        return tensor

    def _halving(self, tensor: str, name: str, previous: _Stage, stage: _Stage) -> str:
        """A residual block that halves the sides; its shortcut averages every four pixels.

        Zeros pad the residual's sides and the shortcut's channels where they are smaller.
        """
        residual = self._twice(tensor, name, stride=2)
        side = (previous.side - 3) // 2 + 1
        if side < stage.side:
            row = self._zeros(stage.channels, 1, side)
            residual = self._graph.node("Concat", [residual, row], axis=2)
            column = self._zeros(stage.channels, stage.side, 1)
            residual = self._graph.node("Concat", [residual, column], axis=3)
        shortcut = self._graph.node("AveragePool", [tensor], kernel_shape=[2, 2], strides=[2, 2])
        if previous.channels < stage.channels:
            channels = self._zeros(stage.channels - previous.channels, stage.side, stage.side)
            shortcut = self._graph.node("Concat", [shortcut, channels], axis=1)
        return self._relu(self._graph.node("Add", [shortcut, residual]))

    def _twice(self, tensor: str, name: str, stride: int) -> str:
        tensor = self._relu(self._convolve(tensor, f"{name}/conv1", stride))
        return self._convolve(tensor, f"{name}/conv2", stride=1)

    def _convolve(self, tensor: str, name: str, stride: int) -> str:
        """Convolution and a scale for each channel; with a stride, without padding."""
        filters = self._tensors[f"{name}/conv/filters"].transpose(3, 2, 0, 1)
        scale = self._tensors[f"{name}/scale/weights"]
        bias = self._tensors[f"{name}/conv/bias"] * scale + self._tensors[f"{name}/scale/biases"]
        kernel = self._graph.constant(f"{name}/filters", filters * scale[:, None, None, None])
        return self._graph.node(
            "Conv",
            [tensor, kernel, self._graph.constant(f"{name}/bias", bias)],
            auto_pad="VALID" if stride > 1 else "SAME_UPPER",
            kernel_shape=filters.shape[2:],
            strides=[stride, stride],
        )

    def _zeros(self, *shape: int) -> str:
        name = f"zeros {shape}"
        return self._graph.constant(name, np.zeros((1, *shape)))

    def _relu(self, tensor: str) -> str:
        return self._graph.node("Relu", [tensor])
