"""The uploads bucket, version by version: what is there, whoever was told of it."""

from typing import Any, Protocol

from services.reap.logic import Marker, Page, Upload
from shared.aws import aws_errors
from shared.contracts.images import Source

MARKERS = {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"}
"""What S3 is asked to begin after, and where it says so."""


class Uploads(Protocol):
    def page(self, after: Marker) -> Page[Upload]:
        """The versions that follow, older ones of a key included, by key."""
        ...


class S3Uploads:
    """1,000 versions a page."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def page(self, after: Marker) -> Page[Upload]:
        with aws_errors("the uploads bucket"):
            answer = self._client.list_object_versions(Bucket=self._bucket, **after)
        found = tuple(map(self._upload, answer.get("Versions", [])))
        if not answer["IsTruncated"]:
            return Page(found, {})
        return Page(found, {ask: answer[said] for ask, said in MARKERS.items() if said in answer})

    def _upload(self, version: dict[str, Any]) -> Upload:
        named = version["VersionId"]
        source = Source(
            bucket=self._bucket,
            key=version["Key"],
            version=None if named == "null" else named,  # from before the bucket had versions
            etag=version["ETag"].strip('"'),
            bytes=version["Size"],
        )
        return Upload(source, version["LastModified"])
