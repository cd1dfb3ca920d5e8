"""Replaces the inputs of an ONNX model; everything else stays the same, byte for byte.

Some exporters fix the input to the size of their example picture. Some list the weights as inputs,
which prevents onnxruntime from folding them.
"""

from collections.abc import Iterator, Sequence

from infra.rekognition.onnx_graph import bytes_field, declaration

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # protocol buffers' wire types
MODEL_GRAPH = 7
GRAPH_INPUT, GRAPH_OUTPUT = 11, 12
VALUE_NAME = 1


def with_input(model: bytes, name: str, shape: Sequence[int | str]) -> bytes:
    """The model with one input, a float tensor of this shape, and outputs of any shape.

    A word in the shape names a dimension of any size.
    """
    rest, (graph,) = _split(model, MODEL_GRAPH)
    graph, _ = _split(graph, GRAPH_INPUT)
    graph, outputs = _split(graph, GRAPH_OUTPUT)
    graph += bytes_field(GRAPH_INPUT, declaration(name, shape))
    for output in outputs:
        _, (output_name,) = _split(output, VALUE_NAME)
        graph += bytes_field(GRAPH_OUTPUT, declaration(output_name.decode()))
    return rest + bytes_field(MODEL_GRAPH, graph)


def _split(message: bytes, field: int) -> tuple[bytes, list[bytes]]:
    """The message without one of its fields, and the values of that field."""
    rest, values = b"", []
    for number, encoded, value in _fields(message):
        if number == field:
            values.append(value)
        else:
            rest += encoded
    return rest, values


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """For each field its number, its encoded bytes, and its value."""
    offset = 0
    while offset < len(message):
        start = offset
        key, offset = _varint(message, offset)
        size, offset = _size(message, offset, key & 7)
        yield key >> 3, message[start : offset + size], message[offset : offset + size]
        offset += size


def _size(message: bytes, offset: int, wire_type: int) -> tuple[int, int]:
    """The length of the value at this offset, and the offset of its first byte."""
    if wire_type == LENGTH:
        return _varint(message, offset)
    if wire_type == VARINT:
        return _varint(message, offset)[1] - offset, offset
    return {EIGHT_BYTES: 8, FOUR_BYTES: 4}[wire_type], offset


def _varint(message: bytes, offset: int) -> tuple[int, int]:
    """The number at this offset, and the offset of its end; seven bits a byte, lowest first."""
    value = shift = 0
    while True:
        byte = message[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 (the eighth bit says that more follow)
            return value, offset
