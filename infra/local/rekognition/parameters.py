"""A request's body, read against the operation's own shape in botocore's model of Rekognition."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from botocore.model import Shape, StructureShape
from botocore.validate import ParamValidator

from infra.local.rekognition.errors import Code, RekognitionError

Parameters = Mapping[str, Any]


def read_parameters(body: bytes, shape: StructureShape) -> Parameters:
    """The parameters, blobs as bytes; types, required members and minima are right.

    Raises RekognitionError. botocore checks no maxima: those are the operation's own to check.
    """
    values = _decode(_parse(body), shape)
    report = ParamValidator().validate(values, shape)
    if report.has_errors():
        raise RekognitionError(Code.INVALID_PARAMETER, report.generate_report())
    parameters: Parameters = values
    return parameters


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
