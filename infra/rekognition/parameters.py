"""Reads and validates a request's body with botocore's model of Rekognition."""

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
    """The validated parameters, with blobs as bytes. Raises RekognitionError.

    The length of blobs is not checked here, because an image that is too large has its own error.
    """
    values = _decode(_parse(body), shape)
    report = ParamValidator().validate(values, shape)
    if report.has_errors():
        raise RekognitionError(Code.INVALID_PARAMETER, report.generate_report())
    _check_limits(values, shape, "")
    parameters: Parameters = values
    return parameters


def _check_limits(value: Any, shape: Shape, name: str) -> None:
    """Check what botocore's validation leaves to the service: maxima and enumerations."""
    maximum = shape.metadata.get("max", math.inf)
    if isinstance(shape, StructureShape):
        for key, member in value.items():
            _check_limits(member, shape.members[key], f"{name}.{key}".lstrip("."))
    elif isinstance(shape, ListShape):
        for member in value:
            _check_limits(member, shape.member, name)
    choices = shape.metadata.get("enum")
    if choices and value not in choices:
        _refuse(f"{name}: {value!r} is not one of {', '.join(choices)}")
    if isinstance(value, str | list) and len(value) > maximum:
        _refuse(f"{name}: length {len(value)} is more than {maximum}")
    if isinstance(value, int | float) and value > maximum:
        _refuse(f"{name}: {value} is more than {maximum}")


def _refuse(message: str) -> NoReturn:
    raise RekognitionError(Code.INVALID_PARAMETER, message)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except ValueError as error:
        raise RekognitionError(Code.SERIALIZATION, f"the body is not JSON: {error}") from error


def _refuse_constant(word: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads but JSON does not permit."""
    raise ValueError(word)


def _decode(value: Any, shape: Shape) -> Any:
    """Decode base64 wherever the shape has a blob. Wrong types are left for the validation."""
    if shape.type_name == "structure" and isinstance(value, dict):
        members = shape.members
        return {
            key: _decode(member, members[key]) if key in members else member
            for key, member in value.items()
        }
    if shape.type_name == "blob" and isinstance(value, str):
        return _unbase64(value)
    return value


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise RekognitionError(Code.SERIALIZATION, f"a blob is not base64: {error}") from error
