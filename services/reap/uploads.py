"""The versions in the uploads bucket, whether or not a notification announced them."""

from collections.abc import Mapping
from typing import Any, Protocol

from services.reap.logic import Upload, UploadPage
from shared.aws import aws_errors
from shared.contracts.images import Source

CURSOR = {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"}
"""The parameters of the next request, and the fields of the response that hold them."""


class Uploads(Protocol):
    def page(self, after: Mapping[str, str]) -> UploadPage:
        """The versions that follow the cursor, sorted by key, noncurrent versions included."""
        ...


class S3Uploads:
    """Pages of up to 1,000 versions."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def page(self, after: Mapping[str, str]) -> UploadPage:
        with aws_errors("the uploads bucket"):
            answer = self._client.list_object_versions(Bucket=self._bucket, **after)
        uploads = tuple(map(self._upload, answer.get("Versions", [])))
        if not answer["IsTruncated"]:
            return UploadPage(uploads, {})
        cursor = {name: answer[field] for name, field in CURSOR.items() if field in answer}
        return UploadPage(uploads, cursor)

    def _upload(self, version: dict[str, Any]) -> Upload:
        identity = version["VersionId"]
        source = Source(
            bucket=self._bucket,
            key=version["Key"],
            version=None if identity == "null" else identity,  # from before versioning
            etag=version["ETag"].strip('"'),
            bytes=version["Size"],
        )
        return Upload(source, version["LastModified"])
