"""Records and uploads to reap: AWS as moto plays it, and in memory."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import pytest

from services.reap.records import DynamoRecords
from services.reap.steps import Steps
from services.reap.uploads import S3Uploads
from services.store.logic import decide
from services.store.records import DynamoRecords as StoresRecords
from services.store.records import Moment
from shared.contracts.envelope import NAMESPACE, Event
from shared.contracts.record import Record
from tests.contract.conftest import aws, dynamodb, records_table
from tests.contract.samples import RESIZED
from tests.fakes import MemoryBus, MemoryObjects, MemoryRecords
from tests.unit.reap.memory import PagedRecords, PagedUploads

__all__ = ["aws", "dynamodb", "records_table"]  # fixtures of the contract tests, used here too

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
LONG_AGO = NOW - 2 * DAY
LATELY = NOW - timedelta(hours=2)


def image(n: int) -> str:
    return str(uuid5(NAMESPACE, str(n)))


def resized(n: int) -> Event:
    return RESIZED.model_copy(update={"image": image(n)})


class Small:
    """A client whose pages are small, so that there are several."""

    def __init__(self, client: Any, size: int = 2) -> None:
        self._client, self._size = client, size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def scan(self, **asked: Any) -> Any:
        return self._client.scan(Limit=self._size, **asked)

    def list_object_versions(self, **asked: Any) -> Any:
        return self._client.list_object_versions(MaxKeys=self._size, **asked)


class Bench:
    """A stage in memory with a reaper over it; the originals have been there since ``LONG_AGO``."""

    def __init__(self, size: int = 100, bus: MemoryBus | None = None) -> None:
        self.records, self.objects, self.bus = MemoryRecords(), MemoryObjects(), bus or MemoryBus()
        self.uploaded: dict[str, datetime] = {}
        self.steps = Steps(
            records=PagedRecords(self.records, size),
            uploads=PagedUploads(
                self.objects, "uploads", lambda key: self.uploaded.get(key, LONG_AGO), size
            ),
            bus=self.bus,
            now=lambda: NOW,
            silence=DAY,
        )

    def keep(self, *events: Event, at: datetime = LONG_AGO) -> Record:
        return keep(self.records, *events, at=at)

    def upload(self, key: str, at: datetime = LONG_AGO) -> None:
        self.uploaded[key] = at
        self.objects.put(key, key.encode(), "image/jpeg")

    def reports(self) -> list[tuple[str, str]]:
        return [(e.data.reason, e.data.source.key) for e in self.bus.published]


def keep(records: Any, *events: Event, at: datetime) -> Record:
    """The record after these events, and its timeline, as ``store`` would have written them."""
    for n, event in enumerate(events):
        before = records.read(event.image)
        record = decide(before, event, at)
        assert record == before or records.write(record)
        moment = Moment(event.image, event.run, f"{event.type}/{at}/{n}", event.type, "tests", at)
        records.note(moment)
    return record


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture(params=["memory", "dynamodb"])
def stored(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """What ``store`` writes, and what ``reap`` reads of it in pages of two at most."""
    if request.param == "memory":
        memory = MemoryRecords()
        return memory, PagedRecords(memory, 2)
    table = request.getfixturevalue("records_table")
    client = request.getfixturevalue("dynamodb")
    return StoresRecords(client, table), DynamoRecords(Small(client), table)


Put = Callable[[str, bytes], None]


@pytest.fixture(params=["memory", "s3"])
def bucket(request: pytest.FixtureRequest) -> tuple[Put, Any]:
    """A way to put something into the bucket, and what ``reap`` reads of it in pages of two."""
    if request.param == "memory":
        memory = MemoryObjects()
        uploads = PagedUploads(memory, "uploads", lambda _key: datetime.now(UTC), 2)
        return (lambda key, body: memory.put(key, body, "image/jpeg")), uploads
    s3 = request.getfixturevalue("aws")("s3")
    s3.create_bucket(Bucket="uploads")
    versioned = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration=versioned)
    put = lambda key, body: s3.put_object(Bucket="uploads", Key=key, Body=body)  # noqa: E731 - one of a pair
    return put, S3Uploads(Small(s3), "uploads")
