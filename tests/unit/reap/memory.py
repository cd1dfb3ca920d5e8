"""What ``reap`` goes through, in memory: the real adapters' own tests hold for it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from services.reap.logic import Marker, Page, Upload
from shared.contracts.images import Source
from shared.contracts.record import Record
from tests.fakes import MemoryObjects, MemoryRecords, etag_of

T = TypeVar("T")


@dataclass
class PagedRecords:
    """The records, so many a page."""

    memory: MemoryRecords
    size: int = 100

    def page(self, after: Marker) -> Page[Record]:
        return paged(list(self.memory.records.values()), after, self.size)

    def heard(self, image: str) -> datetime | None:
        return max((m.time for m in self.memory.moments.values() if m.image == image), default=None)

    def known(self, images: Sequence[str]) -> Collection[str]:
        return {image for image in images if image in self.memory.records}


@dataclass
class PagedUploads:
    """The versions of a bucket's objects, so many a page; ``at`` is when a key came."""

    memory: MemoryObjects
    bucket: str
    at: Callable[[str], datetime]
    size: int = 100

    def page(self, after: Marker) -> Page[Upload]:
        found = [
            self._upload(key, f"v{n}", version.body)
            for key, versions in sorted(self.memory.versions.items())
            for n, version in enumerate(versions, 1)
            if version
        ]
        return paged(found, after, self.size)

    def _upload(self, key: str, version: str, body: bytes) -> Upload:
        source = Source(
            bucket=self.bucket, key=key, version=version, etag=etag_of(body), bytes=len(body)
        )
        return Upload(source, self.at(key))


def paged(entries: Sequence[T], after: Marker, size: int) -> Page[T]:
    start = int(after.get("number", 0))
    end = start + size
    return Page(tuple(entries[start:end]), {"number": str(end)} if end < len(entries) else {})
