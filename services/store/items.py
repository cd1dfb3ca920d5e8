"""Items of the table as DynamoDB's client takes them."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from shared.contracts.envelope import Value


def key(image: str, item: str) -> dict[str, Any]:
    return {"image": {"S": image}, "item": {"S": item}}


def plain(value: Value) -> dict[str, Any]:
    """The value's fields, without those that are None; numbers as DynamoDB's client wants them."""
    found: dict[str, Any] = json.loads(
        value.model_dump_json(exclude_none=True), parse_float=Decimal
    )
    return found


def attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    to_dynamo = TypeSerializer()
    return {name: to_dynamo.serialize(value) for name, value in item.items()}
