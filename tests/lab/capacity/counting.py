"""Clients that count what is asked through them, and what DynamoDB would charge for it."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from shared import telemetry
from tests.lab.capacity import capacity

TABLES = {"records": "item", "ledger": "claim"}


@dataclass
class Tally:
    """What one hop asked of AWS."""

    calls: Counter[str] = field(default_factory=Counter)
    """By service and operation: ``s3:PutObject``."""
    reads: Counter[str] = field(default_factory=Counter)
    """Units, by table."""
    writes: Counter[str] = field(default_factory=Counter)
    """Units, by table; and by ``records/lists`` for the index."""
    partitions: Counter[str] = field(default_factory=Counter)
    """Units written, by partitions that images share: lists of the index, counts of labels."""


@dataclass(frozen=True)
class Counted:
    """A client of AWS whose calls go into ``tally()``."""

    client: Any
    service: str
    tally: Callable[[], Tally]

    def __getattr__(self, name: str) -> Any:
        operation = self.client.meta.method_to_api_mapping.get(name)
        made = getattr(self.client, name)
        if operation is None:
            return made

        def call(**asked: Any) -> Any:
            self.tally().calls[f"{self.service}:{operation}"] += 1
            if self.service != "dynamodb":
                return made(**asked)
            return self._charged(operation, made, asked)

        return call

    def _charged(self, operation: str, made: Callable[..., Any], asked: dict[str, Any]) -> Any:
        changes = [_change(action) for action in asked.get("TransactItems", [])]
        changes = changes or [_one(asked)]
        before = [self._look(table, key) for table, key in changes]
        answer = made(**asked)
        after = [self._look(table, key) for table, key in changes]
        if operation == "GetItem":
            self.tally().reads[asked["TableName"]] += capacity.to_read(before[0])
            return answer
        factor = capacity.OF_A_TRANSACTION if operation == "TransactWriteItems" else 1
        for (table, key), old, new in zip(changes, before, after, strict=True):
            self._write(table, key, factor * capacity.to_write(old, new))
            self._index(table, capacity.to_index(old, new))
        return answer

    def _write(self, table: str, key: dict[str, Any], units: int) -> None:
        tally, partition = self.tally(), key["image"]["S"]
        tally.writes[table] += units
        if partition.startswith("labels/"):
            tally.partitions["labels"] += units

    def _index(self, table: str, units: dict[str, int]) -> None:
        for name, count in units.items():
            self.tally().writes[f"{table}/lists"] += count
            self.tally().partitions[name] += count

    def _look(self, table: str, key: dict[str, Any]) -> Any:
        found = self.client.get_item(TableName=table, Key=key, ConsistentRead=True)
        return found.get("Item")


def _change(action: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Of a transaction's action: the table, and the key."""
    (said,) = action.values()
    return _one(said)


def _one(said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    table = said["TableName"]
    names = ("image", TABLES[table])
    return table, {name: (said.get("Key") or said["Item"])[name] for name in names}


@contextmanager
def logged(service: str) -> Iterator[StringIO]:
    """What is logged inside, as the function ``service`` would write it."""
    text = StringIO()
    handler, level = logging.StreamHandler(text), telemetry.log.level
    handler.setFormatter(telemetry.JsonLines())
    telemetry.log.addHandler(handler)
    telemetry.log.setLevel(logging.INFO)
    try:
        with telemetry.about(service=service):
            yield text
    finally:
        telemetry.log.setLevel(level)
        telemetry.log.removeHandler(handler)
