"""Builds EfficientNet-Lite0 as an ONNX model from the tensors of its PyTorch checkpoint.

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
    """A sequence of equal inverted residual blocks. Only the first one has a stride."""

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
    """The encoded model.

    Input: an RGB picture as `(value - 127) / 128`, shape (1, 3, 224, 224). Outputs: the
    probabilities of the 1,000 classes, and the 1,280 features that they are computed from.
    """
    return _Network(tensors).build()


class _Network:
    """Builds the graph. onnxruntime folds the batch normalisation into the convolutions."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._graph = Graph()
        self._zero = self._graph.constant("zero", np.array(0.0))
        self._six = self._graph.constant("six", np.array(6.0))

    def build(self) -> bytes:
        tensor = self._relu6(self._convolve(INPUT, "_conv_stem", "_bn0", stride=2))
        block = 0
        for stage in STAGES:
            for position in range(stage.blocks):
                stride = stage.stride if position == 0 else 1
                output = self._block(tensor, f"_blocks.{block}.", stride, expands=stage.expands)
                tensor = self._graph.node("Add", [output, tensor]) if position > 0 else output
                block += 1
        tensor = self._relu6(self._convolve(tensor, "_conv_head", "_bn1"))
        features = self._graph.node("Flatten", [self._graph.node("GlobalAveragePool", [tensor])])
        return self._graph.model(
            (INPUT, (1, 3, SIDE, SIDE)),
            (self._classify(features), (1, CLASSES)),
            (features, (1, FEATURES)),
        )

    def _block(self, tensor: str, prefix: str, stride: int, *, expands: bool) -> str:
        """Expansion, depthwise convolution, projection. Returns the output's name."""
        if expands:
            tensor = self._relu6(self._convolve(tensor, f"{prefix}_expand_conv", f"{prefix}_bn0"))
        depthwise = f"{prefix}_depthwise_conv"
        tensor = self._relu6(self._convolve(tensor, depthwise, f"{prefix}_bn1", stride=stride))
        return self._convolve(tensor, f"{prefix}_project_conv", f"{prefix}_bn2")

    def _convolve(self, tensor: str, name: str, norm: str, stride: int = 1) -> str:
        """Convolution and batch normalisation. A kernel of depth 1 is depthwise."""
        kernel = self._tensors[f"{name}.weight"]
        filters, depth, side, _ = kernel.shape
        groups = filters if depth == 1 else 1
        tensor = self._graph.node(
            "Conv",
            [tensor, self._weight(f"{name}.weight")],
            auto_pad="SAME_UPPER",
            group=groups,
            kernel_shape=[side, side],
            strides=[stride, stride],
        )
        parts = ("weight", "bias", "running_mean", "running_var")
        statistics = [self._weight(f"{norm}.{part}") for part in parts]
        return self._graph.node(
            "BatchNormalization", [tensor, *statistics], epsilon=BATCH_NORM_EPSILON
        )

    def _classify(self, features: str) -> str:
        scores = self._graph.node(
            "Gemm", [features, self._weight("_fc.weight"), self._weight("_fc.bias")], transB=1
        )
        return self._graph.node("Softmax", [scores])

    def _relu6(self, tensor: str) -> str:
        return self._graph.node("Clip", [tensor, self._zero, self._six])

    def _weight(self, name: str) -> str:
        return self._graph.constant(name, self._tensors[name])
