"""Gives an ONNX model other inputs than it was saved with; all else of it stays, byte by byte.

Some exporters write the size of their example picture into the model, and list its weights among
its inputs, which keeps onnxruntime from folding them.
"""

from collections.abc import Iterator, Sequence

from infra.rekognition.onnx_graph import as_bytes, declaration

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # protocol buffers' wire types
MODEL_GRAPH = 7
GRAPH_INPUT, GRAPH_OUTPUT = 11, 12
VALUE_NAME = 1


def with_input(model: bytes, name: str, shape: Sequence[int | str]) -> bytes:
    """The model with this one input, a float tensor, and outputs of any shape.

    A word in the shape stands for a side of any length.
    """
    rest, graph = _split(model, MODEL_GRAPH)
    kept, _ = _split(graph[0], GRAPH_INPUT)
    kept, outputs = _split(kept, GRAPH_OUTPUT)
    kept += as_bytes(GRAPH_INPUT, declaration(name, shape))
    for output in outputs:
        _, (called,) = _split(output, VALUE_NAME)
        kept += as_bytes(GRAPH_OUTPUT, declaration(called.decode()))
    return rest + as_bytes(MODEL_GRAPH, kept)


def _split(message: bytes, field: int) -> tuple[bytes, list[bytes]]:
    """The message without a field, and that field's values."""
    kept, taken = b"", []
    for number, whole, value in _fields(message):
        if number == field:
            taken.append(value)
        else:
            kept += whole
    return kept, taken


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each field's number, its bytes as they stand, and of those the value's."""
    at = 0
    while at < len(message):
        begin = at
        key, at = _varint(message, at)
        size, at = _size(message, at, key & 7)
        yield key >> 3, message[begin : at + size], message[at : at + size]
        at += size


def _size(message: bytes, at: int, wire_type: int) -> tuple[int, int]:
    """How long a value is, and where it begins."""
    if wire_type == LENGTH:
        return _varint(message, at)
    if wire_type == VARINT:
        return _varint(message, at)[1] - at, at
    return {EIGHT_BYTES: 8, FOUR_BYTES: 4}[wire_type], at


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number, and where it ends: seven bits a byte, the lowest first."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 (the eighth bit says that more follow)
            return value, at
