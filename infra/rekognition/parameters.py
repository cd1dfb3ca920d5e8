"""A request's body, read against the operation's own shape in botocore's model of Rekognition."""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from botocore.model import ListShape, Shape, StructureShape
from botocore.validate import ParamValidator

from infra.rekognition.errors import Code, RekognitionError

Parameters = Mapping[str, Any]


def read_parameters(body: bytes, shape: StructureShape) -> Parameters:
    """The parameters, blobs as bytes, within all that their shape says. Raises RekognitionError.

    Of blobs, how long they may be is not checked: an image has an error of its own for that.
    """
    values = _decode(_parse(body), shape)
    report = ParamValidator().validate(values, shape)
    if report.has_errors():
        raise RekognitionError(Code.INVALID_PARAMETER, report.generate_report())
    _check_limits(values, shape, "")
    parameters: Parameters = values
    return parameters


def _check_limits(value: Any, shape: Shape, name: str) -> None:
    """What botocore's own validation leaves to the service: maxima, and words out of a list."""
    most = shape.metadata.get("max", math.inf)
    if isinstance(shape, StructureShape):
        for member, each in value.items():
            _check_limits(each, shape.members[member], f"{name}.{member}".lstrip("."))
    elif isinstance(shape, ListShape):
        for each in value:
            _check_limits(each, shape.member, name)
    words = shape.metadata.get("enum")
    if words and value not in words:
        _refuse(f"{name}: {value!r} is none of {', '.join(words)}")
    if isinstance(value, str | list) and len(value) > most:
        _refuse(f"{name}: {len(value)} are more than {most}")
    if isinstance(value, int | float) and value > most:
        _refuse(f"{name}: {value} is more than {most}")


def _refuse(message: str) -> NoReturn:
    raise RekognitionError(Code.INVALID_PARAMETER, message)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except ValueError as error:
        raise RekognitionError(Code.SERIALIZATION, f"the body is not JSON: {error}") from error


def _refuse_constant(word: str) -> NoReturn:
    """Python reads NaN and Infinity; JSON has no such numbers."""
    raise ValueError(word)


def _decode(value: Any, shape: Shape) -> Any:
    """Turn base64 to bytes wherever the shape has a blob; leave what does not fit to validation."""
    if shape.type_name == "structure" and isinstance(value, dict):
        members = shape.members
        return {
            name: _decode(each, members[name]) if name in members else each
            for name, each in value.items()
        }
    if shape.type_name == "blob" and isinstance(value, str):
        return _unbase64(value)
    return value


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise RekognitionError(Code.SERIALIZATION, f"a blob is not base64: {error}") from error
