"""Reading the record whole, out of the item that ``store`` wrote."""

from collections.abc import Mapping
from typing import Any

from shared.attributes import fields
from shared.contracts.record import Record


def record_in(item: Mapping[str, Any]) -> Record:
    """The record that an item of the table holds, as DynamoDB's client gives it."""
    return Record.model_validate(fields(item))
