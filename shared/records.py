"""Reading the record whole, out of the item that ``store`` wrote."""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from shared.contracts.record import Record


def record_in(item: Mapping[str, Any]) -> Record:
    """The record that an item of the table holds, as DynamoDB's client gives it."""
    from_dynamo = TypeDeserializer()
    return Record.model_validate({k: from_dynamo.deserialize(v) for k, v in item.items()})
