"""Compute the capacity units that DynamoDB charges; emulators do not.

Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
Units: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
Index: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

WRITE_UNIT = 1024
READ_UNIT = 4096
TRANSACTION_FACTOR = 2
"""A transactional write is charged twice: for its preparation and its commit."""
ITEM_OVERHEAD = 100
"""Bytes billed for storing an item, in the table and again in each index."""

Item = Mapping[str, Any]


def size(item: Item) -> int:
    """The size of an item in DynamoDB's format, bytes: its attributes' names and values."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":  # two digits per byte and one byte more; sign and point are free
            return ceil(len(content.strip("-").replace(".", "").strip("0") or "0") / 2) + 1
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value(element) for element in content)
        case "M":
            return 3 + sum(
                1 + len(name.encode()) + _value(element) for name, element in content.items()
            )
        case _:
            raise AssertionError(f"no service writes the type {kind}")


def to_read(item: Item | None) -> int:
    """Read units of a consistent read; a missing item costs one, too."""
    return max(1, ceil(size(item or {}) / READ_UNIT))


def to_write(before: Item | None, after: Item | None) -> int:
    """Write units of a write, by the larger of the items before and after it."""
    return max(1, ceil(max(size(before or {}), size(after or {})) / WRITE_UNIT))


def to_index(before: Item | None, after: Item | None) -> dict[str, int]:
    """Write units of the search index for this write, by partition.

    A new index key is a deletion and a put; an unchanged item costs nothing.
    """
    old, new = _index_key(before), _index_key(after)
    if old == new:
        return {new[0]: to_write(before, after)} if new and before != after else {}
    units: dict[str, int] = {}
    for key, item in ((old, before), (new, after)):
        if key:
            units[key[0]] = units.get(key[0], 0) + ceil(size(item or {}) / WRITE_UNIT)
    return units


def _index_key(item: Item | None) -> tuple[str, str] | None:
    return (item["partition"]["S"], item["at"]["S"]) if item and "partition" in item else None
