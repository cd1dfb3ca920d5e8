"""Clients that count their calls and the capacity units that DynamoDB would charge."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from shared import telemetry
from shared.contracts.search_index import INDEX
from tests.lab.capacity import capacity

TABLES = {"records": "item", "ledger": "claim"}


@dataclass
class Tally:
    """The calls and capacity units of one hop."""

    calls: Counter[str] = field(default_factory=Counter)
    """By service and operation, such as ``s3:PutObject``."""
    reads: Counter[str] = field(default_factory=Counter)
    """Units, by table."""
    writes: Counter[str] = field(default_factory=Counter)
    """Units, by table; ``records/search-index`` is the index."""
    partitions: Counter[str] = field(default_factory=Counter)
    """Units written to partitions that images share: index lists and label counts."""


@dataclass(frozen=True)
class Counted:
    """A client of AWS that counts its calls in ``tally()``."""

    client: Any
    service: str
    tally: Callable[[], Tally]

    def __getattr__(self, name: str) -> Any:
        operation = self.client.meta.method_to_api_mapping.get(name)
        method = getattr(self.client, name)
        if operation is None:
            return method

        def call(**parameters: Any) -> Any:
            self.tally().calls[f"{self.service}:{operation}"] += 1
            if self.service != "dynamodb":
                return method(**parameters)
            return self._charged(operation, method, parameters)

        return call

    def _charged(
        self, operation: str, method: Callable[..., Any], parameters: dict[str, Any]
    ) -> Any:
        changes = [_change(action) for action in parameters.get("TransactItems", [])]
        changes = changes or [_table_and_key(parameters)]
        before = [self._item(table, key) for table, key in changes]
        answer = method(**parameters)
        after = [self._item(table, key) for table, key in changes]
        if operation == "GetItem":
            self.tally().reads[parameters["TableName"]] += capacity.to_read(before[0])
            return answer
        factor = capacity.TRANSACTION_FACTOR if operation == "TransactWriteItems" else 1
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
            self.tally().writes[f"{table}/{INDEX}"] += count
            self.tally().partitions[name] += count

    def _item(self, table: str, key: dict[str, Any]) -> Any:
        answer = self.client.get_item(TableName=table, Key=key, ConsistentRead=True)
        return answer.get("Item")


def _change(action: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The table and the key of one action of a transaction."""
    (parameters,) = action.values()
    return _table_and_key(parameters)


def _table_and_key(parameters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    table = parameters["TableName"]
    names = ("image", TABLES[table])
    return table, {name: (parameters.get("Key") or parameters["Item"])[name] for name in names}


@contextmanager
def logged(service: str) -> Iterator[StringIO]:
    """Capture the log of the block, formatted as in the function ``service``."""
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
