"""Read, write and delete the objects of a bucket, with S3's errors translated into ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.aws import aws_errors
from shared.errors import Fault

IMMUTABLE = "public, max-age=31536000, immutable"
"""The Cache-Control of keys that belong to one run: their content never changes."""

CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
"""Error codes of a conditional write whose condition failed, or that met a concurrent write."""


@dataclass(frozen=True)
class Stored:
    """An object that was read. ``metadata`` is the uploader's (``x-amz-meta-*``)."""

    body: bytes
    content_type: str = "application/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    """With S3's quotes, as ``If-Match`` needs it."""


class Objects(Protocol):
    """One bucket."""

    def get(self, key: str, *, version: str | None = None, etag: str | None = None) -> Stored:
        """The object, or exactly that version of it, or only if it still has that ``etag``.

        Raises PermanentError ``gone``, ``replaced`` or ``forbidden``.
        """
        ...

    def find(self, key: str) -> Stored | None:
        """The object, or None where there is none."""
        ...

    def put(
        self, key: str, body: bytes, content_type: str, cache_control: str = "no-cache"
    ) -> None: ...

    def replace(self, key: str, before: Stored | None, body: bytes, content_type: str) -> bool:
        """Put the object if the current one still has the etag of ``before``.

        If ``before`` is None, put it only if no object exists. Returns False, and writes nothing,
        if the object has changed since it was read.
        """
        ...

    def copy(self, source: str, target: str) -> None:
        """Copy within the bucket, with type and caching. Raises PermanentError ``gone``."""
        ...

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Delete the object; with ``version``, that version for good. A missing key is no error."""
        ...

    def erase(self, prefix: str) -> None:
        """Delete every version of every key with this prefix."""
        ...

    def keys(self, prefix: str) -> Iterator[str]: ...


class S3Objects:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str, *, version: str | None = None, etag: str | None = None) -> Stored:
        selector = {"VersionId": version} if version else {"IfMatch": etag} if etag else {}
        with aws_errors(
            key,
            NoSuchKey=("gone", Fault.CLIENT),
            NoSuchVersion=("gone", Fault.CLIENT),
            MethodNotAllowed=("gone", Fault.CLIENT),
            PreconditionFailed=("replaced", Fault.CLIENT),
            **{"404": ("gone", Fault.CLIENT), "412": ("replaced", Fault.CLIENT)},
        ):
            answer = self._client.get_object(Bucket=self._bucket, Key=key, **selector)
            return _stored(answer)

    def find(self, key: str) -> Stored | None:
        with aws_errors(key):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except self._client.exceptions.NoSuchKey:
                return None
            return _stored(answer)

    def put(
        self, key: str, body: bytes, content_type: str, cache_control: str = "no-cache"
    ) -> None:
        with aws_errors(key):
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                CacheControl=cache_control,
            )

    def replace(self, key: str, before: Stored | None, body: bytes, content_type: str) -> bool:
        condition = {"IfMatch": before.etag} if before else {"IfNoneMatch": "*"}
        with aws_errors(key):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    ContentType=content_type,
                    CacheControl="no-cache",
                    **condition,
                )
            except self._client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] not in CHANGED:
                    raise
                return False
        return True

    def copy(self, source: str, target: str) -> None:
        with aws_errors(source, NoSuchKey=("gone", Fault.CLIENT)):
            self._client.copy_object(
                Bucket=self._bucket, Key=target, CopySource={"Bucket": self._bucket, "Key": source}
            )

    def delete(self, key: str, *, version: str | None = None) -> None:
        selector = {"VersionId": version} if version else {}
        with aws_errors(key):
            self._client.delete_object(Bucket=self._bucket, Key=key, **selector)

    def erase(self, prefix: str) -> None:
        with aws_errors(prefix):
            pages = self._client.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                    self.delete(entry["Key"], version=entry["VersionId"])

    def keys(self, prefix: str) -> Iterator[str]:
        with aws_errors(prefix):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                yield from (entry["Key"] for entry in page.get("Contents", []))


def _stored(answer: Mapping[str, Any]) -> Stored:
    return Stored(
        body=answer["Body"].read(),
        content_type=answer.get("ContentType", ""),
        metadata=answer.get("Metadata", {}),
        etag=answer["ETag"],
    )


def delete_all(objects: Objects, prefix: str) -> int:
    """Delete every key with this prefix; returns their number. Idempotent."""
    keys = list(objects.keys(prefix))
    for key in keys:
        objects.delete(key)
    return len(keys)
