"""Convert items to and from DynamoDB's attribute values.

boto3's own converter imports boto3's resources, S3 transfers and process pools, which is a sixth of
a function's start. Sets and binary values are not supported, since no item has any.
"""

from collections.abc import Mapping
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any

_NUMBERS = Context(
    prec=38, Emin=-128, Emax=126, traps=[Clamped, Inexact, Overflow, Rounded, Underflow]
)
"""DynamoDB's number range and precision. A number beyond it raises instead of being rounded."""


def attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """The attribute values of an item.

    Raises TypeError for a value that is not JSON (or a float: numbers are Decimals), and one of
    ``decimal``'s errors for a number that DynamoDB cannot store exactly.
    """
    return {name: _written(value) for name, value in item.items()}


def fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """The Python values of an item's attributes; numbers are Decimals."""
    return {name: _plain(value) for name, value in item.items()}


def _written(value: object) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(_NUMBERS.create_decimal(value))}
        case str():
            return {"S": value}
        case Mapping():
            return {"M": attributes(value)}
        case list() | tuple():
            return {"L": [_written(element) for element in value]}
    raise TypeError(f"DynamoDB has no attribute for {type(value).__name__}")


def _plain(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    match kind:
        case "NULL":
            return None
        case "BOOL" | "S":
            return value
        case "N":
            return _NUMBERS.create_decimal(value)
        case "M":
            return fields(value)
        case "L":
            return [_plain(element) for element in value]
    raise TypeError(f"attributes of type {kind} are not supported")
