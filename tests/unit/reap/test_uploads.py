"""The conformance suite of the uploads: S3 (played by moto) and memory."""

from datetime import UTC, datetime
from typing import Any

from services.reap.uploads import S3Uploads
from tests.fakes import etag_of


def listed(uploads: Any) -> list[Any]:
    page = uploads.page({})
    result = list(page.uploads)
    while page.cursor:
        page = uploads.page(page.cursor)
        result += page.uploads
    return result


def test_every_version_of_every_key_is_listed_once(bucket: Any) -> None:
    put, uploads = bucket
    keys = ["a.jpg", "b.jpg", "b.jpg", "b.jpg", "käse & brot+100%.jpg"]
    for n, key in enumerate(keys):
        put(key, str(n).encode())
    result = listed(uploads)
    assert sorted(upload.source.key for upload in result) == sorted(keys)
    assert len({upload.image for upload in result}) == 5


def test_an_upload_is_described_as_its_notification_would(bucket: Any) -> None:
    put, uploads = bucket
    put("cat.jpg", b"a cat")
    (upload,) = listed(uploads)
    source = upload.source
    assert (source.bucket, source.key, source.bytes) == ("uploads", "cat.jpg", 5)
    assert source.etag == etag_of(b"a cat")
    assert abs((datetime.now(UTC) - upload.at).total_seconds()) < 3600


def test_an_empty_bucket_is_one_empty_page(bucket: Any) -> None:
    page = bucket[1].page({})
    assert (page.uploads, page.cursor) == ((), {})


def test_an_upload_from_before_versioning_has_no_version(aws: Any) -> None:
    s3 = aws("s3")
    s3.create_bucket(Bucket="uploads")
    s3.put_object(Bucket="uploads", Key="cat.jpg", Body=b"a cat")
    (upload,) = S3Uploads(s3, "uploads").page({}).uploads
    assert (upload.source.version, upload.image) == (None, None)
