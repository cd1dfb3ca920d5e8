"""The images of a stage as an operator sees them: their records, and a way to ask for something."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.errors import InfraError
from shared.bus import SnsBus
from shared.contracts.envelope import Envelope, Event
from shared.contracts.record import Record
from shared.errors import DarkroomError
from shared.records import DynamoRecords, all_records
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
        with _infra_errors():
            return self._table.read(image)

    def records(self) -> Iterator[Record]:
        """Every record. It scans the whole table: for operators, not for requests."""
        with _infra_errors():
            yield from all_records(self._table)

    def say(self, event: Event) -> Envelope:
        """Announce a request or a report; asked again about the same run, it has the same id."""
        bus = SnsBus(self.clients.client("sns"), self.outputs.topics["events"])
        return ask(bus, event, SOURCE, self.clock())

    @property
    def _table(self) -> DynamoRecords:
        return DynamoRecords(self.clients.client("dynamodb"), self.outputs.table)


@contextmanager
def _infra_errors() -> Iterator[None]:
    """Raise what AWS refused as an InfraError, which the command line prints as one line."""
    try:
        yield
    except DarkroomError as error:
        raise InfraError(error.detail) from error
