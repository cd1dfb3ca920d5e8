"""EfficientNet-Lite0 as an ONNX model, built from the weights of its PyTorch checkpoint.

The network: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from infra.rekognition.onnx_graph import Graph
from infra.rekognition.torch_file import Tensors

SIDE: Final = 224  # pixels
CLASSES: Final = 1000
FEATURES: Final = 1280
INPUT: Final = "image"
BATCH_NORM_EPSILON: Final = 1e-3


@dataclass(frozen=True)
class _Stage:
    """Some inverted residual blocks alike: only the first one strides."""

    blocks: int
    stride: int
    expands: bool = True


STAGES: Final = (
    _Stage(1, 1, expands=False),
    _Stage(2, 2),
    _Stage(2, 2),
    _Stage(3, 2),
    _Stage(3, 1),
    _Stage(4, 2),
    _Stage(1, 1),
)


def to_onnx(tensors: Tensors) -> bytes:
    """The model: one RGB picture in, `(value - 127) / 128`, (1, 3, 224, 224).

    Out come the probabilities of the classes, and the features that they are told from.
    """
    return _Network(tensors).build()


class _Network:
    """Batch normalisation stays a node of its own; onnxruntime folds it into the convolution."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._graph = Graph()
        self._zero = self._graph.constant("zero", np.array(0.0))
        self._six = self._graph.constant("six", np.array(6.0))

    def build(self) -> bytes:
        flow = self._relu6(self._convolve(INPUT, "_conv_stem", "_bn0", stride=2))
        block = 0
        for stage in STAGES:
            for position in range(stage.blocks):
                stride = stage.stride if position == 0 else 1
                after = self._block(flow, f"_blocks.{block}.", stride, expands=stage.expands)
                flow = self._graph.node("Add", [after, flow]) if position > 0 else after
                block += 1
        flow = self._relu6(self._convolve(flow, "_conv_head", "_bn1"))
        features = self._graph.node("Flatten", [self._graph.node("GlobalAveragePool", [flow])])
        return self._graph.model(
            (INPUT, (1, 3, SIDE, SIDE)),
            (self._classify(features), (1, CLASSES)),
            (features, (1, FEATURES)),
        )

    def _block(self, flow: str, prefix: str, stride: int, *, expands: bool) -> str:
        """Expand, look at each channel, project."""
        if expands:
            flow = self._relu6(self._convolve(flow, f"{prefix}_expand_conv", f"{prefix}_bn0"))
        depthwise = f"{prefix}_depthwise_conv"
        flow = self._relu6(self._convolve(flow, depthwise, f"{prefix}_bn1", stride=stride))
        return self._convolve(flow, f"{prefix}_project_conv", f"{prefix}_bn2")

    def _convolve(self, flow: str, name: str, norm: str, stride: int = 1) -> str:
        """Convolution and batch normalisation; one group for each channel where it is depthwise."""
        kernel = self._tensors[f"{name}.weight"]
        filters, depth, side, _ = kernel.shape
        groups = filters if depth == 1 else 1
        flow = self._graph.node(
            "Conv",
            [flow, self._weight(f"{name}.weight")],
            auto_pad="SAME_UPPER",
            group=groups,
            kernel_shape=[side, side],
            strides=[stride, stride],
        )
        parts = ("weight", "bias", "running_mean", "running_var")
        statistics = [self._weight(f"{norm}.{part}") for part in parts]
        return self._graph.node(
            "BatchNormalization", [flow, *statistics], epsilon=BATCH_NORM_EPSILON
        )

    def _classify(self, features: str) -> str:
        scores = self._graph.node(
            "Gemm", [features, self._weight("_fc.weight"), self._weight("_fc.bias")], transB=1
        )
        return self._graph.node("Softmax", [scores])

    def _relu6(self, flow: str) -> str:
        return self._graph.node("Clip", [flow, self._zero, self._six])

    def _weight(self, name: str) -> str:
        return self._graph.constant(name, self._tensors[name])
