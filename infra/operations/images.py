"""The images of a stage as an operator sees them: their records, and a way to ask for something."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.errors import InfraError
from services.store.records import DynamoRecords
from shared.bus import SnsBus
from shared.contracts.envelope import Envelope, Event
from shared.contracts.record import RECORD, Record
from shared.records import record_in
from shared.requests import ask

SOURCE = "darkroom/operator"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Images:
    """Records are read, never written."""

    outputs: Outputs
    clients: Clients
    clock: Callable[[], datetime] = now

    def record(self, image: str) -> Record:
        """InfraError if nobody knows this image."""
        found = self.find(image)
        if found is None:
            raise InfraError(f"no image {image} in stage {self.outputs.stage}")
        return found

    def find(self, image: str) -> Record | None:
        return DynamoRecords(self._dynamodb, self.outputs.table).read(image)

    def records(self) -> Iterator[Record]:
        """Every record there is. Reads the whole table: for operators, not for requests."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self.outputs.table,
            FilterExpression="#item = :record",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={":record": {"S": RECORD}},
        )
        for page in pages:
            yield from map(record_in, page["Items"])

    def say(self, event: Event) -> Envelope:
        """Announce a request or a report; asked again about the same run, it has the same id."""
        bus = SnsBus(self.clients.client("sns"), self.outputs.topics["events"])
        return ask(bus, event, SOURCE, self.clock())

    @property
    def _dynamodb(self) -> Any:
        return self.clients.client("dynamodb")
