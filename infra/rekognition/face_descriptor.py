"""Who a face could be, as 128 numbers: face-api's port of dlib's network, rebuilt as ONNX.

Faces of one person are close to each other, those of two people are not. The network:
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
    """Plain blocks alike, after one that halves the sides to so many pixels."""

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
    """Safe for several threads at once, as an onnxruntime session is."""

    def __init__(self, models: Path, threads: int) -> None:
        tensors = read_tensors(models / FACE_DESCRIPTOR_TABLE, models / FACE_DESCRIPTOR)
        self._session = open_session(_Network(tensors).build(), threads)

    def describe(self, picture: Image.Image, face: Landmarks) -> Descriptor:
        cut = aligned(picture, face, side=SIDE, padding=PADDING)
        values = (np.asarray(cut, np.float32) - MEAN_COLOUR) / 255
        (answer,) = self._session.run(None, {INPUT: values.transpose(2, 0, 1)[None]})
        descriptor: Descriptor = answer[0]
        return descriptor


def distance(one: Descriptor, other: Descriptor) -> float:
    """Euclidean: dlib's authors take two faces for one person's below 0.6."""
    return float(np.linalg.norm(one - other))


class _Network:
    """A residual network: each block adds to what came into it."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._graph = Graph()

    def build(self) -> bytes:
        flow = self._relu(self._convolve(INPUT, "conv32_down", stride=2))
        flow = self._graph.node("MaxPool", [flow], kernel_shape=[3, 3], strides=[2, 2])
        flow = self._plain(flow, FIRST)
        before = FIRST
        for stage in STAGES:
            flow = self._plain(self._halving(flow, f"{stage.name}_down", before, stage), stage)
            before = stage
        flow = self._halving(flow, LAST.name, before, LAST)
        flow = self._graph.node("Flatten", [self._graph.node("GlobalAveragePool", [flow])])
        flow = self._graph.node("Gemm", [flow, self._graph.constant("fc", self._tensors["fc"])])
        return self._graph.model((INPUT, (1, 3, SIDE, SIDE)), (flow, (1, NUMBERS)))

    def _plain(self, flow: str, stage: _Stage) -> str:
        for block in range(1, stage.blocks + 1):
            added = self._twice(flow, f"{stage.name}_{block}", stride=1)
            flow = self._relu(self._graph.node("Add", [flow, added]))
        return flow

    def _halving(self, flow: str, name: str, before: _Stage, after: _Stage) -> str:
        """Past the convolutions goes the mean of every four; zeros fill up what either lacks."""
        added = self._twice(flow, name, stride=2)
        convolved = (before.side - 3) // 2 + 1
        if convolved < after.side:
            below = self._zeros(after.channels, 1, convolved)
            added = self._graph.node("Concat", [added, below], axis=2)
            beside = self._zeros(after.channels, after.side, 1)
            added = self._graph.node("Concat", [added, beside], axis=3)
        past = self._graph.node("AveragePool", [flow], kernel_shape=[2, 2], strides=[2, 2])
        if before.channels < after.channels:
            silent = self._zeros(after.channels - before.channels, after.side, after.side)
            past = self._graph.node("Concat", [past, silent], axis=1)
        return self._relu(self._graph.node("Add", [past, added]))

    def _twice(self, flow: str, name: str, stride: int) -> str:
        flow = self._relu(self._convolve(flow, f"{name}/conv1", stride))
        return self._convolve(flow, f"{name}/conv2", stride=1)

    def _convolve(self, flow: str, name: str, stride: int) -> str:
        """Convolution and a scale of each channel; one that strides takes only what fits."""
        filters = self._tensors[f"{name}/conv/filters"].transpose(3, 2, 0, 1)
        scale = self._tensors[f"{name}/scale/weights"]
        bias = self._tensors[f"{name}/conv/bias"] * scale + self._tensors[f"{name}/scale/biases"]
        kernel = self._graph.constant(f"{name}/filters", filters * scale[:, None, None, None])
        return self._graph.node(
            "Conv",
            [flow, kernel, self._graph.constant(f"{name}/bias", bias)],
            auto_pad="VALID" if stride > 1 else "SAME_UPPER",
            kernel_shape=filters.shape[2:],
            strides=[stride, stride],
        )

    def _zeros(self, *shape: int) -> str:
        name = f"zeros {shape}"
        return self._graph.constant(name, np.zeros((1, *shape)))

    def _relu(self, flow: str) -> str:
        return self._graph.node("Relu", [flow])
