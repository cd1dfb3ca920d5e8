"""What DynamoDB charges, by its own rules: emulators do not work it out.

Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
Units: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
Index: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

WRITE_UNIT = 1024
READ_UNIT = 4096
OF_A_TRANSACTION = 2
"""Each write of a transaction is charged twice: it is prepared, then committed."""
ITEM_OVERHEAD = 100
"""Bytes that are billed for keeping an item, in a table and again in each index."""

Item = Mapping[str, Any]


def size(item: Item) -> int:
    """Bytes of an item as DynamoDB's client gives it: its attributes' names and values."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":  # two digits a byte, and one byte; sign and point apart
            return ceil(len(held.strip("-").replace(".", "").strip("0") or "0") / 2) + 1
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value(one) for one in held)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value(one) for name, one in held.items())
        case _:
            raise AssertionError(f"nothing here writes a {kind}")


def to_read(item: Item | None) -> int:
    """Units for a consistent read; what is not there is read all the same."""
    return max(1, ceil(size(item or {}) / READ_UNIT))


def to_write(before: Item | None, after: Item | None) -> int:
    """Units for a write, of whichever is larger: what was there, or what is there then."""
    return max(1, ceil(max(size(before or {}), size(after or {})) / WRITE_UNIT))


def to_index(before: Item | None, after: Item | None) -> dict[str, int]:
    """Units that the index ``lists`` takes for this write, by its partition: the list's name.

    Another place in the index is a deletion and a put; the same item there is nothing.
    """
    old, new = _place(before), _place(after)
    if old == new:
        return {new[0]: to_write(before, after)} if new and before != after else {}
    units: dict[str, int] = {}
    for place, item in ((old, before), (new, after)):
        if place:
            units[place[0]] = units.get(place[0], 0) + ceil(size(item or {}) / WRITE_UNIT)
    return units


def _place(item: Item | None) -> tuple[str, str] | None:
    return (item["partition"]["S"], item["at"]["S"]) if item and "partition" in item else None
