"""Parse S3 notifications, in the dialects of AWS and the emulators, into uploads.

AWS and MiniStack form-encode keys and send a version. LocalStack percent-encodes keys and sends a
constant sequencer. moto sends neither version nor sequencer. ``unquote_plus`` decodes all of their
keys. ``s3:TestEvent`` and removals contain no upload.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from shared.contracts.envelope import Envelope, derive
from shared.contracts.images import ImageUploaded, Source
from shared.errors import Fault, PermanentError

SOURCE = "darkroom/uploads"
ISSUED_KEY = re.compile(
    r"^uploads/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/", re.ASCII
)
"""A key that the API issued; it contains the image's id."""


def issued_prefix(image: str) -> str:
    """The prefix of the keys that the API issues for this image."""
    return f"uploads/{image}/"


def is_notification(message: Mapping[str, Any]) -> bool:
    """Whether this message is S3's: records, or the test event that S3 sends at set-up."""
    return "Records" in message or message.get("Event") == "s3:TestEvent"


def uploads_in(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The notification's records of new objects, unchanged."""
    records = message.get("Records", [])
    if not isinstance(records, list):
        raise _unreadable("Records is not a list")
    return [record for record in records if not _is_removal(record)]


def _is_removal(record: Any) -> bool:
    return isinstance(record, dict) and not str(
        record.get("eventName", "ObjectCreated")
    ).removeprefix("s3:").startswith("ObjectCreated")


def read_upload(record: Mapping[str, Any]) -> Envelope:
    """The upload in one record. Raises PermanentError ``unreadable``."""
    try:
        upload = _facts(record)
        at = datetime.fromisoformat(record["eventTime"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from error
    return Envelope.first(upload, SOURCE, at)


def _facts(record: Mapping[str, Any]) -> ImageUploaded:
    uploaded = record["s3"]["object"]
    version = uploaded.get("versionId")
    source = Source(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(uploaded["key"], errors="strict"),
        version=None if version == "null" else version,
        etag=uploaded["eTag"].strip('"'),
        bytes=uploaded["size"],
    )
    return ImageUploaded(image=_image_id(source, record), run=0, source=source)


def _image_id(source: Source, record: Mapping[str, Any]) -> str:
    """The image's id: the same for a repeated notification, and never shared by two uploads.

    Without a version, it is derived from all fields of the notification, since each emulator omits
    or repeats some of them.
    """
    if image := image_of(source.bucket, source.key, source.version):
        return image
    sequencer = record["s3"]["object"].get("sequencer")
    return derive(source.bucket, source.key, source.etag, sequencer, record["eventTime"])


def image_of(bucket: str, key: str, version: str | None) -> str | None:
    """The id of an upload, from its key or version.

    None for a key without a version that the API did not issue: only S3's notification has its id.
    """
    if issued := ISSUED_KEY.match(key):
        return issued[1]
    return derive(bucket, key, version) if version else None


def _unreadable(why: str) -> PermanentError:
    return PermanentError("unreadable", f"not an S3 record: {why}", fault=Fault.INTERNAL)
