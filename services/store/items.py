"""Values as items of the records table."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.contracts.envelope import Value

TOMBSTONE_TTL = timedelta(days=180)
"""Longer than any message about a deleted image can arrive: see infra/config/retention.py."""


def plain(value: Value) -> dict[str, Any]:
    """The fields that are not None; floats as Decimal, as DynamoDB's client takes them."""
    row: dict[str, Any] = json.loads(value.model_dump_json(exclude_none=True), parse_float=Decimal)
    return row


def expiry(since: datetime | None, ttl: timedelta) -> dict[str, int]:
    """The TTL attribute, in epoch seconds; empty for an item that does not expire."""
    return {} if since is None else {"expires": int((since + ttl).timestamp())}
