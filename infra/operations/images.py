"""Read the records of a stage, and publish an operator's requests for its images."""

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
from shared.requests import publish_request

SOURCE = "darkroom/operator"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Images:
    """The images of a stage. Reads records and never writes them."""

    outputs: Outputs
    clients: Clients
    clock: Callable[[], datetime] = now

    def record(self, image: str) -> Record:
        """The image's record; InfraError if the image is unknown."""
        record = self.find(image)
        if record is None:
            raise InfraError(f"no image {image} in stage {self.outputs.stage}")
        return record

    def find(self, image: str) -> Record | None:
        with _infra_errors():
            return self._table.read(image)

    def records(self) -> Iterator[Record]:
        """Every record. It scans the whole table: for operators, not for requests."""
        with _infra_errors():
            yield from all_records(self._table)

    def request(self, event: Event) -> Envelope:
        """Publish a request or a report. Repeated for the same run, it has the same id."""
        bus = SnsBus(self.clients.client("sns"), self.outputs.topics["events"])
        return publish_request(bus, event, SOURCE, self.clock())

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
