"""Writes ONNX models: just the part of the format that networks of convolutions need.

ONNX is protocol buffers, and the field numbers below are those of onnx.proto3
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3). A hundred lines here stand in for the
onnx package, which would be the largest dependency of all and is needed for nothing else.
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
    """A network under construction: each node is added after those it takes its input from."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Keep a float32 tensor under this name; its bytes go into the file as they are."""
        tensor = _ints(1, values.shape) + _int(2, FLOAT) + _text(8, name)
        self._constants.append(tensor + as_bytes(9, values.astype("<f4", copy=False).tobytes()))
        return name

    def node(self, operator: str, inputs: Iterable[str], **attributes: Attribute) -> str:
        """Add an operator; the name of its output comes back."""
        output = f"{operator}_{len(self._nodes)}"
        parts = [_text(1, name) for name in inputs]
        parts += [_text(2, output), _text(4, operator)]
        parts += [as_bytes(5, _attribute(name, value)) for name, value in attributes.items()]
        self._nodes.append(b"".join(parts))
        return output

    def model(self, entry: tuple[str, Sequence[int]], *exits: tuple[str, Sequence[int]]) -> bytes:
        """The finished model, from the named input to the named outputs, each with its shape."""
        graph = b"".join(as_bytes(1, node) for node in self._nodes) + _text(2, "network")
        graph += b"".join(as_bytes(5, constant) for constant in self._constants)
        graph += as_bytes(11, declaration(*entry))
        graph += b"".join(as_bytes(12, declaration(*exit_)) for exit_ in exits)
        return _int(1, IR_VERSION) + as_bytes(7, graph) + as_bytes(8, _int(2, OPSET))


def declaration(name: str, shape: Sequence[int | str] | None = None) -> bytes:
    """ValueInfoProto of a float tensor; a word in its shape is a side of any length."""
    tensor = _int(1, FLOAT)
    if shape is not None:
        tensor += as_bytes(2, b"".join(as_bytes(1, _side(side)) for side in shape))
    return _text(1, name) + as_bytes(2, as_bytes(1, tensor))


def _side(side: int | str) -> bytes:
    return _int(1, side) if isinstance(side, int) else _text(2, side)


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
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
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


def as_bytes(field: int, value: bytes) -> bytes:
    """A field whose value is bytes, text or another message."""
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return as_bytes(field, value.encode())
