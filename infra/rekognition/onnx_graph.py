"""Writes ONNX models, limited to what convolutional networks need.

An ONNX file is a protocol buffer. The field numbers below are those of onnx.proto3
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3). These hundred lines replace the onnx
package, which would be the largest dependency and has no other use here.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

IR_VERSION: Final = 8
OPSET: Final = 13

FLOAT: Final = 1  # TensorProto.DataType
ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_STRING, ATTRIBUTE_INTS = 1, 2, 3, 7

Attribute = float | int | str | Sequence[int]


class Graph:
    """A network under construction. Add each node after the nodes that produce its inputs."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a float32 tensor; return its name."""
        tensor = _ints(1, values.shape) + _int(2, FLOAT) + _text(8, name)
        self._constants.append(tensor + bytes_field(9, values.astype("<f4", copy=False).tobytes()))
        return name

    def node(self, operator: str, inputs: Iterable[str], **attributes: Attribute) -> str:
        """Add an operator; return the name of its output."""
        output = f"{operator}_{len(self._nodes)}"
        parts = [_text(1, name) for name in inputs]
        parts += [_text(2, output), _text(4, operator)]
        parts += [bytes_field(5, _attribute(name, value)) for name, value in attributes.items()]
        self._nodes.append(b"".join(parts))
        return output

    def model(self, entry: tuple[str, Sequence[int]], *exits: tuple[str, Sequence[int]]) -> bytes:
        """The encoded model. The input and the outputs are pairs of a name and a shape."""
        graph = b"".join(bytes_field(1, node) for node in self._nodes) + _text(2, "network")
        graph += b"".join(bytes_field(5, constant) for constant in self._constants)
        graph += bytes_field(11, declaration(*entry))
        graph += b"".join(bytes_field(12, declaration(*exit_)) for exit_ in exits)
        return _int(1, IR_VERSION) + bytes_field(7, graph) + bytes_field(8, _int(2, OPSET))


def declaration(name: str, shape: Sequence[int | str] | None = None) -> bytes:
    """ValueInfoProto of a float tensor. A word in its shape names a dimension of any size."""
    tensor = _int(1, FLOAT)
    if shape is not None:
        tensor += bytes_field(2, b"".join(bytes_field(1, _dimension(size)) for size in shape))
    return _text(1, name) + bytes_field(2, bytes_field(1, tensor))


def _dimension(size: int | str) -> bytes:
    return _int(1, size) if isinstance(size, int) else _text(2, size)


def _attribute(name: str, value: Attribute) -> bytes:
    match value:
        case float():
            return _text(1, name) + _float(2, value) + _int(20, ATTRIBUTE_FLOAT)
        case int():
            return _text(1, name) + _int(3, value) + _int(20, ATTRIBUTE_INT)
        case str():
            return _text(1, name) + _text(4, value) + _int(20, ATTRIBUTE_STRING)
    return _text(1, name) + _ints(8, value) + _int(20, ATTRIBUTE_INTS)


def _varint(value: int) -> bytes:
    """Encode a number: seven bits a byte, lowest first; the eighth bit says that more follow."""
    encoded = bytearray()
    while more := value >> 7:
        encoded.append(value & 0x7F | 0x80)
        value = more
    encoded.append(value)
    return bytes(encoded)


def _int(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _ints(field: int, values: Iterable[int]) -> bytes:
    return b"".join(_int(field, value) for value in values)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + np.float32(value).tobytes()


def bytes_field(field: int, value: bytes) -> bytes:
    """A field with bytes, text or another message as its value."""
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return bytes_field(field, value.encode())
