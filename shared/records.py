"""Reading the record whole, out of the item that ``store`` wrote."""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from shared.contracts.record import Record


def record_in(item: Mapping[str, Any]) -> Record:
    """The record that an item of the table holds, as DynamoDB's client gives it."""
    return Record.model_validate(plain(item))


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an item as Python's own values; numbers are Decimals."""
    from_dynamo = TypeDeserializer()
    return {name: from_dynamo.deserialize(value) for name, value in item.items()}
