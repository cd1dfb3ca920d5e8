"""DynamoDB's attribute values: what an item is written as on the wire, and what it says.

boto3 has the same, in a module whose import brings boto3's resources, S3 transfers and process
pools: a sixth of what a function needs to start. Sets and binaries are not ours.
"""

from collections.abc import Mapping
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any

_NUMBERS = Context(
    prec=38, Emin=-128, Emax=126, traps=[Clamped, Inexact, Overflow, Rounded, Underflow]
)
"""What DynamoDB keeps exactly; a number beyond that raises, instead of being rounded there."""


def attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB's client takes it.

    Raises TypeError for a value that is no JSON (a float: numbers are Decimals), and one of
    ``decimal``'s errors for a number that DynamoDB does not keep exactly.
    """
    return {name: _written(value) for name, value in item.items()}


def fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an item as Python's own values; numbers are Decimals."""
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
            return {"L": [_written(each) for each in value]}
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
            return [_plain(each) for each in value]
    raise TypeError(f"{kind} is no kind of attribute that is written here")
