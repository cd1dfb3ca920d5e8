"""S3's notification, in every dialect it is spoken, read as the uploads it tells of.

AWS and MiniStack form-encode keys and send a version; LocalStack percent-encodes them and repeats
one constant sequencer; moto sends neither version nor sequencer. ``unquote_plus`` reads all of
these back. ``s3:TestEvent`` and removals tell of no upload.
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
"""A key that carries the image's id, because we handed it out."""


def issued_prefix(image: str) -> str:
    """Below this, whatever stands is of the image, if it got its id from the key at all."""
    return f"uploads/{image}/"


def is_notification(message: Mapping[str, Any]) -> bool:
    """Whether this message comes from S3: records, or the test that S3 sends at set-up."""
    return "Records" in message or message.get("Event") == "s3:TestEvent"


def uploads_in(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The notification's records that tell of a new object, as they came."""
    records = message.get("Records", [])
    if not isinstance(records, list):
        raise _unreadable("Records is not a list")
    return [record for record in records if not _tells_of_something_else(record)]


def _tells_of_something_else(record: Any) -> bool:
    return isinstance(record, dict) and not str(
        record.get("eventName", "ObjectCreated")
    ).removeprefix("s3:").startswith("ObjectCreated")


def read_upload(record: Mapping[str, Any]) -> Envelope:
    """The upload that one record tells of. Raises PermanentError ``unreadable``."""
    try:
        upload = _facts(record)
        at = datetime.fromisoformat(record["eventTime"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from error
    return Envelope.first(upload, SOURCE, at)


def _facts(record: Mapping[str, Any]) -> ImageUploaded:
    thing = record["s3"]["object"]
    version = thing.get("versionId")
    source = Source(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(thing["key"], errors="strict"),
        version=None if version == "null" else version,
        etag=thing["eTag"].strip('"'),
        bytes=thing["size"],
    )
    return ImageUploaded(image=_image_id(source, record), run=0, source=source)


def _image_id(source: Source, record: Mapping[str, Any]) -> str:
    """The same upload always gets the same id, and two uploads never share one.

    Without versions it takes all that the notification says: emulators leave out, or repeat, each
    of these alone.
    """
    if known := image_of(source.bucket, source.key, source.version):
        return known
    sequencer = record["s3"]["object"].get("sequencer")
    return derive(source.bucket, source.key, source.etag, sequencer, record["eventTime"])


def image_of(bucket: str, key: str, version: str | None) -> str | None:
    """The id of an upload, for who lists the bucket: a version names one upload by itself.

    None where there are no versions; then only S3's notification tells.
    """
    if issued := ISSUED_KEY.match(key):
        return issued[1]
    return derive(bucket, key, version) if version else None


def _unreadable(why: str) -> PermanentError:
    return PermanentError("unreadable", f"not a record of S3's: {why}", fault=Fault.INTERNAL)
