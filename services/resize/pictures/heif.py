"""Reads what an AVIF or HEIC file says about its picture (ISO/IEC 14496-12 and 23008-12).

It decodes nothing. A damaged or excessive list ends early: what was read until then is the result.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

MAX_BOXES = 100_000
"""Boxes or list entries to read in a row. A file has at most 65,535 items with 16-bit numbers."""

FULL = 4
"""Bytes of the version and the flags at the start of some boxes."""


class Box(NamedTuple):
    name: bytes
    body: memoryview


def boxes(data: memoryview) -> Iterator[Box]:
    """The boxes in a row; ends early at a box that exceeds the data."""
    return islice(_boxes(data), MAX_BOXES)


def _boxes(data: memoryview) -> Iterator[Box]:
    at = 0
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1 and at + 16 <= len(data):  # the length has 64 bits
            head, length = 16, int.from_bytes(data[at + 8 : at + 16])
        elif length == 0:  # it reaches to the end
            length = len(data) - at
        if not head <= length <= len(data) - at:
            return
        yield Box(name, data[at + head : at + length])
        at += length


def meta(original: bytes) -> Sequence[Box]:
    """The boxes with the file's items; empty if it has none."""
    body = _first(boxes(memoryview(original)), b"meta")
    return list(boxes(body[FULL:]))


def item_types(meta: Sequence[Box]) -> Iterator[bytes]:
    """The type of each item, such as ``hvc1``, ``grid`` or ``tmap``."""
    items = _first(meta, b"iinf")
    for entry in boxes(items[FULL + (4 if _version(items) else 2) :]):
        at = FULL + (6 if _version(entry.body) > 2 else 4)  # noqa: PLR2004 - from version 3 on, numbers have 32 bits
        yield bytes(entry.body[at : at + 4])


def properties(meta: Sequence[Box]) -> Sequence[Box]:
    """The properties of all items, in the order that associations refer to."""
    return list(boxes(_first(boxes(_first(meta, b"iprp")), b"ipco")))


def picture_properties(meta: Sequence[Box]) -> Sequence[Box]:
    """The properties of the primary item; for a grid, followed by those of its first tile."""
    shared, result = properties(meta), []
    item = _primary(meta)
    for number in (item, *islice(_sources(meta, item), 1)):
        indexes = _associations(meta, number)
        result += [shared[index - 1] for index in indexes if 0 < index <= len(shared)]
    return result


def _primary(meta: Sequence[Box]) -> int:
    body = _first(meta, b"pitm")
    return int.from_bytes(body[FULL : FULL + (4 if _version(body) else 2)])


def _sources(meta: Sequence[Box], item: int) -> Iterator[int]:
    """The items that a derived item, such as a grid, is made of."""
    body = _first(meta, b"iref")
    size = 4 if _version(body) else 2
    for name, reference in boxes(body[FULL:]):
        numbers = [reference[at : at + size] for at in (0, size + 2)]
        if name == b"dimg" and int.from_bytes(numbers[0]) == item:
            yield int.from_bytes(numbers[1])


def _associations(meta: Sequence[Box], item: int) -> Sequence[int]:
    """The positions of an item's properties, from 1."""
    for name, body in boxes(_first(meta, b"iprp")):
        if name == b"ipma":
            with suppress(struct.error):  # the list is longer than its box
                for number, indexes in _entries(body):
                    if number == item:
                        return indexes
    return ()


def _entries(body: memoryview) -> Iterator[tuple[int, Sequence[int]]]:
    """The associations of all items. An index has 7 or 15 bits, below a bit for "essential"."""
    (count,) = struct.unpack_from(">I", body, FULL)
    number, index, mask = ("I" if _version(body) else "H"), *WIDTHS[body[3] & 1]
    at = FULL + 4
    for _ in range(min(count, MAX_BOXES)):
        item, length = struct.unpack_from(f">{number}B", body, at)
        at += struct.calcsize(f">{number}B")
        indexes = struct.unpack_from(f">{length}{index}", body, at)
        at += struct.calcsize(f">{length}{index}")
        yield item, [value & mask for value in indexes]


WIDTHS = ("B", 0x7F), ("H", 0x7FFF)


def _version(body: memoryview) -> int:
    return body[0] if body else 0


def _first(row: Iterator[Box] | Sequence[Box], name: bytes) -> memoryview:
    """The content of the first box with this name; empty if there is none."""
    return next((box.body for box in row if box.name == name), memoryview(b""))
