"""One suite for both listings of uploads: S3's (as moto plays it) and the one in memory."""

from datetime import UTC, datetime
from typing import Any

from services.reap.uploads import S3Uploads
from tests.fakes import etag_of


def listed(uploads: Any) -> list[Any]:
    page = uploads.page({})
    found = list(page.entries)
    while page.following:
        page = uploads.page(page.following)
        found += page.entries
    return found


def test_every_version_of_every_key_is_listed_once(bucket: Any) -> None:
    put, uploads = bucket
    keys = ["a.jpg", "b.jpg", "b.jpg", "b.jpg", "käse & brot+100%.jpg"]
    for n, key in enumerate(keys):
        put(key, str(n).encode())
    found = listed(uploads)
    assert sorted(upload.source.key for upload in found) == sorted(keys)
    assert len({upload.image for upload in found}) == 5


def test_an_upload_is_described_as_its_notification_would(bucket: Any) -> None:
    put, uploads = bucket
    put("cat.jpg", b"a cat")
    (upload,) = listed(uploads)
    source = upload.source
    assert (source.bucket, source.key, source.bytes) == ("uploads", "cat.jpg", 5)
    assert source.etag == etag_of(b"a cat")
    assert abs((datetime.now(UTC) - upload.at).total_seconds()) < 3600


def test_an_empty_bucket_is_one_page_with_nothing_on_it(bucket: Any) -> None:
    page = bucket[1].page({})
    assert (page.entries, page.following) == ((), {})


def test_an_upload_from_before_there_were_versions_has_none(aws: Any) -> None:
    s3 = aws("s3")
    s3.create_bucket(Bucket="uploads")
    s3.put_object(Bucket="uploads", Key="cat.jpg", Body=b"a cat")
    (upload,) = S3Uploads(s3, "uploads").page({}).entries
    assert (upload.source.version, upload.image) == (None, None)
