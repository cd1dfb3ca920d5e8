"""Items of the table as DynamoDB's client takes and gives them."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.contracts.envelope import Value

TOMBSTONES = timedelta(days=180)
"""Longer than any message of a deleted image can still come: see infra/config/retention.py."""


def key(image: str, item: str) -> dict[str, Any]:
    return {"image": {"S": image}, "item": {"S": item}}


def plain(value: Value) -> dict[str, Any]:
    """The value's fields, without those that are None; numbers as DynamoDB's client wants them."""
    found: dict[str, Any] = json.loads(
        value.model_dump_json(exclude_none=True), parse_float=Decimal
    )
    return found


def expiry(since: datetime | None, kept: timedelta) -> dict[str, int]:
    """When DynamoDB may remove an item, in epoch seconds; nothing for one that stays."""
    return {} if since is None else {"expires": int((since + kept).timestamp())}
