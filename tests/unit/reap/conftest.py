"""Records and uploads to sweep, in memory; and the uploads bucket played by moto."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import pytest

from services.reap.steps import Steps
from services.reap.uploads import S3Uploads
from services.store.logic import decide
from shared.contracts.envelope import NAMESPACE, Event
from shared.records import TimelineEvent
from tests.contract.conftest import aws
from tests.contract.samples import RESIZED
from tests.fakes import MemoryBus, MemoryObjects, MemoryRecords
from tests.unit.reap.memory import PagedUploads

__all__ = ["aws"]  # a fixture of the contract tests

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
LONG_AGO = NOW - 2 * DAY
LATELY = NOW - timedelta(hours=2)


def image(n: int) -> str:
    return str(uuid5(NAMESPACE, str(n)))


def resized(n: int) -> Event:
    return RESIZED.model_copy(update={"image": image(n)})


class SmallPages:
    """A client of S3 whose pages hold two versions."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def list_object_versions(self, **request: Any) -> Any:
        return self._client.list_object_versions(MaxKeys=2, **request)


class Bench:
    """``reap`` over a pipeline in memory. Originals were uploaded at ``LONG_AGO``."""

    def __init__(self, size: int = 100, bus: MemoryBus | None = None) -> None:
        self.records = MemoryRecords(page_size=size)
        self.objects, self.bus = MemoryObjects(), bus or MemoryBus()
        self.uploaded: dict[str, datetime] = {}
        self.steps = Steps(
            records=self.records,
            uploads=PagedUploads(
                self.objects, "uploads", lambda key: self.uploaded.get(key, LONG_AGO), size
            ),
            bus=self.bus,
            now=lambda: NOW,
            silence=DAY,
        )

    def store(self, *events: Event, at: datetime = LONG_AGO) -> None:
        """Write the record after these events, and its timeline, as ``store`` does."""
        for n, event in enumerate(events):
            before = self.records.read(event.image)
            record = decide(before, event, at)
            assert record
            assert record == before or self.records.write(record)
            identity = f"{event.type}/{at}/{n}"
            self.records.add_event(
                TimelineEvent(event.image, event.run, identity, event.type, "tests", at)
            )

    def upload(self, key: str, at: datetime = LONG_AGO) -> None:
        self.uploaded[key] = at
        self.objects.put(key, key.encode(), "image/jpeg")

    def reports(self) -> list[tuple[str, str]]:
        return [(e.data.reason, e.data.source.key) for e in self.bus.published]


@pytest.fixture
def bench() -> Bench:
    return Bench()


Put = Callable[[str, bytes], None]


@pytest.fixture(params=["memory", "s3"])
def bucket(request: pytest.FixtureRequest) -> tuple[Put, Any]:
    """A function that uploads an object, and the uploads in pages of two."""
    if request.param == "memory":
        memory = MemoryObjects()
        uploads = PagedUploads(memory, "uploads", lambda _key: datetime.now(UTC), 2)
        return (lambda key, body: memory.put(key, body, "image/jpeg")), uploads
    s3 = request.getfixturevalue("aws")("s3")
    s3.create_bucket(Bucket="uploads")
    versioned = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration=versioned)
    put = lambda key, body: s3.put_object(Bucket="uploads", Key=key, Body=body)  # noqa: E731 - returned with its uploads
    return put, S3Uploads(SmallPages(s3), "uploads")
