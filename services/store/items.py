"""Items of the table as DynamoDB's client takes and gives them."""

import json
from decimal import Decimal
from typing import Any

from shared.contracts.envelope import Value


def key(image: str, item: str) -> dict[str, Any]:
    return {"image": {"S": image}, "item": {"S": item}}


def plain(value: Value) -> dict[str, Any]:
    """The value's fields, without those that are None; numbers as DynamoDB's client wants them."""
    found: dict[str, Any] = json.loads(
        value.model_dump_json(exclude_none=True), parse_float=Decimal
    )
    return found
