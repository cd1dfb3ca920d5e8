"""The uploads bucket in memory. It passes the tests of ``S3Uploads``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.reap.logic import Upload, UploadPage
from shared.contracts.images import Source
from tests.fakes import MemoryObjects, etag_of


@dataclass
class PagedUploads:
    """The versions of a bucket's objects in pages of ``size``; ``at`` is when a key was created."""

    objects: MemoryObjects
    bucket: str
    at: Callable[[str], datetime]
    size: int = 100

    def page(self, after: Mapping[str, str]) -> UploadPage:
        uploads = [
            self._upload(key, f"v{n}", version.body)
            for key, versions in sorted(self.objects.versions.items())
            for n, version in enumerate(versions, 1)
            if version
        ]
        start = int(after.get("number", 0))
        end = start + self.size
        cursor = {"number": str(end)} if end < len(uploads) else {}
        return UploadPage(tuple(uploads[start:end]), cursor)

    def _upload(self, key: str, version: str, body: bytes) -> Upload:
        source = Source(
            bucket=self.bucket, key=key, version=version, etag=etag_of(body), bytes=len(body)
        )
        return Upload(source, self.at(key))
