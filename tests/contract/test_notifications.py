"""S3 event notifications in the dialects of AWS and of each emulator.

``aws.json`` follows "Event message structure" in the S3 user guide; the others are recorded.
"""

import copy
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.uploads import read_upload, uploads_in
from shared.errors import PermanentError
from shared.message import message_records, read

FOLDER = Path(__file__).parent / "notifications"
KEY = "holiday photos/red+flower 100% (ü) & more.jpg"
ISSUED = "0f9b2c4e-1a52-5b0d-8c11-3c2a7e9d4f60"
VERSIONS = {
    "aws": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
    "ministack": "f97308c6-3b53-4485-83d7-766bf30b8931",
    "localstack": "AaH8RoKJNQLD65ayL55s_rOymXHoa6_P",
    "moto": None,
}
VERSIONED = sorted(dialect for dialect, version in VERSIONS.items() if version)


def notification(dialect: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{dialect}.json").read_text("utf-8"))


def record(dialect: str = "aws", **about_object: object) -> dict[str, Any]:
    """A record of this dialect with changed fields of its object; None removes a field."""
    changed = copy.deepcopy(notification(dialect)["Records"][0])
    fields = changed["s3"]["object"] | about_object
    changed["s3"]["object"] = {name: value for name, value in fields.items() if value is not None}
    return changed


def decoded_key(encoded: str) -> str:
    return read_upload(record(key=encoded)).data.source.key


def image_of(record: dict[str, Any]) -> str:
    return read_upload(record).subject


@pytest.mark.parametrize("dialect", VERSIONS)
def test_every_dialect_is_read_as_the_same_upload(dialect: str) -> None:
    source = read(*message_records(json.dumps(notification(dialect)))).data.source
    assert (source.bucket, source.key, source.bytes) == ("uploads", KEY, 1)
    assert source.version == VERSIONS[dialect]
    assert source.etag == "9dd4e461268c8034f5c8564e155c67a6"


def test_quotes_around_an_etag_are_removed() -> None:
    assert read_upload(record(eTag='"abc"')).data.source.etag == "abc"


def test_the_version_null_is_none() -> None:
    assert read_upload(record(versionId="null")).data.source.version is None


@pytest.mark.parametrize("dialect", VERSIONS)
def test_the_same_notification_twice_is_the_same_image(dialect: str) -> None:
    assert image_of(record(dialect)) == image_of(record(dialect))


@pytest.mark.parametrize("dialect", VERSIONED)
def test_another_version_is_another_image(dialect: str) -> None:
    assert image_of(record(dialect)) != image_of(record(dialect, versionId="another"))


@pytest.mark.parametrize("dialect", VERSIONED)
def test_a_version_alone_identifies_the_image(dialect: str) -> None:
    later = record(dialect, sequencer="FF") | {"eventTime": "2027-01-01T00:00:00Z"}
    assert image_of(later) == image_of(record(dialect))


def test_without_versions_another_time_is_another_image() -> None:
    later = record("moto") | {"eventTime": "2026-11-21T04:03:45.956Z"}
    assert image_of(record("moto")) != image_of(later)


@pytest.mark.parametrize("changed", [{"sequencer": "0055AED6DCD90281E6"}, {"eTag": "abc"}])
def test_without_versions_another_etag_or_sequencer_is_another_image(changed: dict) -> None:
    assert image_of(record(versionId=None)) != image_of(record(versionId=None, **changed))


def test_the_same_key_in_another_bucket_is_another_image() -> None:
    elsewhere = record()
    elsewhere["s3"]["bucket"]["name"] = "others"
    assert image_of(elsewhere) != image_of(record())


def test_an_issued_key_contains_the_id_of_the_image() -> None:
    assert image_of(record(key=f"uploads/{ISSUED}/x.jpg")) == ISSUED


@pytest.mark.parametrize(
    "key", [f"my/uploads/{ISSUED}/x.jpg", f"uploads/{ISSUED}", f"uploads/{ISSUED[:-1]}/x.jpg"]
)
def test_a_similar_key_contains_no_id(key: str) -> None:
    assert image_of(record(key=key)) != ISSUED


def test_one_message_may_contain_several_uploads() -> None:
    several = {"Records": [record(), record(versionId="2"), record(key="other.jpg")]}
    envelopes = [read(record) for record in message_records(json.dumps(several))]
    assert [envelope.data.source.key for envelope in envelopes] == [KEY, KEY, "other.jpg"]
    assert len({envelope.subject for envelope in envelopes}) == 3


def test_a_record_among_several_is_read_like_a_single_one() -> None:
    several = json.dumps({"Records": [record(), record(key="other.jpg")]})
    alone = json.dumps({"Records": [record()]})
    assert read(message_records(several)[0]) == read(*message_records(alone))


def test_the_test_event_of_s3_contains_no_upload() -> None:
    hello = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}
    assert message_records(json.dumps(hello)) == []


@pytest.mark.parametrize(
    "name", ["ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated", "ObjectTagging:Put"]
)
def test_other_s3_events_contain_no_upload(name: str) -> None:
    assert uploads_in({"Records": [record() | {"eventName": name}]}) == []


@pytest.mark.parametrize(
    "name", ["ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy"]
)
def test_every_way_to_create_an_object_is_an_upload(name: str) -> None:
    assert len(uploads_in({"Records": [record() | {"eventName": name}]})) == 1


def test_an_upload_next_to_a_removal_is_read() -> None:
    removed = record() | {"eventName": "ObjectRemoved:Delete"}
    (upload,) = message_records(json.dumps({"Records": [removed, record(key="new.jpg")]}))
    assert read(upload).data.source.key == "new.jpg"


MALFORMED = {
    "records-of-nothing": {"Records": {}},
    "not-an-object": {"Records": ["text"]},
    "no-s3": {"Records": [{"eventName": "ObjectCreated:Put"}]},
    "no-key": {"Records": [record(key=None)]},
    "a-key-that-is-no-utf-8": {"Records": [record(key="%FF.jpg")]},
    "no-etag": {"Records": [record(eTag=None)]},
    "a-size-in-words": {"Records": [record(size="large")]},
    "no-time": {"Records": [record() | {"eventTime": "yesterday"}]},
    "a-time-before-time": {"Records": [record() | {"eventTime": "0001-01-01T00:00:00+23:59"}]},
    "a-bucket-without-name": {"Records": [record() | {"s3": {"bucket": {}, "object": {}}}]},
}


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_record_is_unreadable(message: dict) -> None:
    with pytest.raises(PermanentError) as refused:
        [read(record) for record in message_records(json.dumps(message))]
    assert refused.value.reason == "unreadable"


@given(st.text(min_size=1))
def test_any_form_encoded_key_is_decoded(key: str) -> None:
    assert decoded_key(quote_plus(key, safe="/")) == key


@given(st.text(min_size=1))
def test_any_url_encoded_key_is_decoded(key: str) -> None:
    assert decoded_key(quote(key)) == key
