"""The conformance suite of a bucket: S3 (played by moto) and memory."""

from typing import Any

import pytest

from shared.errors import Fault, PermanentError
from shared.objects import IMMUTABLE, Objects, S3Objects, delete_all
from tests.fakes import MemoryObjects, etag_of

JPEG = "image/jpeg"


class Bucket:
    """A bucket with an upload, which sets metadata and returns the version."""

    def __init__(self, objects: Objects, s3: Any = None) -> None:
        self.objects = objects
        self.s3 = s3

    def upload(self, key: str, body: bytes, **metadata: str) -> str:
        """Put an original and return its version."""
        if isinstance(self.objects, MemoryObjects):
            self.objects.put(key, body, JPEG, metadata=metadata)
            return f"v{len(self.objects.versions[key])}"
        answer = self.s3.put_object(
            Bucket="bucket", Key=key, Body=body, ContentType=JPEG, Metadata=metadata
        )
        return str(answer["VersionId"])


@pytest.fixture
def s3(aws: Any) -> Any:
    client = aws("s3")
    client.create_bucket(Bucket="bucket")
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture(params=["memory", "s3"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    if request.param == "memory":
        return Bucket(MemoryObjects())
    s3 = request.getfixturevalue("s3")
    return Bucket(S3Objects(s3, "bucket"), s3)


def reason_of(bucket: Bucket, key: str, **which: str) -> str:
    with pytest.raises(PermanentError) as refused:
        bucket.objects.get(key, **which)
    assert refused.value.fault is Fault.CLIENT
    return refused.value.reason


def test_get_returns_the_body_and_content_type_that_were_put(bucket: Bucket) -> None:
    bucket.objects.put("a/ü & more.jpg", b"one", JPEG)
    stored = bucket.objects.get("a/ü & more.jpg")
    assert (stored.body, stored.content_type, dict(stored.metadata)) == (b"one", JPEG, {})


def test_get_returns_the_requested_version(bucket: Bucket) -> None:
    first = bucket.upload("cat.jpg", b"one")
    bucket.upload("cat.jpg", b"two")
    assert bucket.objects.get("cat.jpg", version=first).body == b"one"
    assert bucket.objects.get("cat.jpg").body == b"two"


def test_a_version_can_be_read_after_the_deletion_of_its_key(bucket: Bucket) -> None:
    first = bucket.upload("cat.jpg", b"one")
    bucket.objects.delete("cat.jpg")
    assert bucket.objects.get("cat.jpg", version=first).body == b"one"
    assert reason_of(bucket, "cat.jpg") == "gone"


def test_get_returns_an_object_with_the_expected_etag(bucket: Bucket) -> None:
    bucket.upload("cat.jpg", b"one")
    assert bucket.objects.get("cat.jpg", etag=etag_of(b"one")).body == b"one"


def test_get_rejects_an_object_with_another_etag_as_replaced(bucket: Bucket) -> None:
    bucket.upload("cat.jpg", b"two")
    assert reason_of(bucket, "cat.jpg", etag=etag_of(b"one")) == "replaced"


def test_a_version_takes_precedence_over_an_etag(bucket: Bucket) -> None:
    first = bucket.upload("cat.jpg", b"one")
    assert bucket.objects.get("cat.jpg", version=first, etag="of another").body == b"one"


def test_a_missing_object_is_gone(bucket: Bucket) -> None:
    assert reason_of(bucket, "cat.jpg") == "gone"
    assert reason_of(bucket, "cat.jpg", etag="abc") == "gone"


def test_metadata_is_read_with_the_object(bucket: Bucket) -> None:
    bucket.upload("cat.jpg", b"one", owner="ada")
    assert bucket.objects.get("cat.jpg").metadata == {"owner": "ada"}


def test_find_returns_none_for_a_missing_object(bucket: Bucket) -> None:
    bucket.upload("cat.jpg", b"one")
    bucket.objects.delete("cat.jpg")
    assert bucket.objects.find("cat.jpg") is None
    assert bucket.objects.find("dog.jpg") is None


def test_find_returns_an_existing_object(bucket: Bucket) -> None:
    bucket.upload("cat.jpg", b"one", owner="ada")
    assert bucket.objects.find("cat.jpg") == bucket.objects.get("cat.jpg")


def test_replace_creates_an_object_only_if_there_is_none(bucket: Bucket) -> None:
    assert bucket.objects.replace("a.json", None, b"one", "application/json")
    assert not bucket.objects.replace("a.json", None, b"two", "application/json")
    stored = bucket.objects.get("a.json")
    assert (stored.body, stored.content_type) == (b"one", "application/json")


def test_replace_fails_if_the_object_changed(bucket: Bucket) -> None:
    bucket.objects.put("a.json", b"one", "application/json")
    before = bucket.objects.find("a.json")
    assert bucket.objects.replace("a.json", before, b"two", "application/json")
    assert not bucket.objects.replace("a.json", before, b"three", "application/json")
    assert bucket.objects.get("a.json").body == b"two"


def test_replace_fails_if_the_object_was_deleted(bucket: Bucket) -> None:
    bucket.objects.put("a.json", b"one", "application/json")
    before = bucket.objects.get("a.json")
    bucket.objects.delete("a.json")
    assert not bucket.objects.replace("a.json", before, b"two", "application/json")
    assert bucket.objects.find("a.json") is None
    assert bucket.objects.replace("a.json", None, b"three", "application/json")


def test_a_copy_is_independent_of_its_source(bucket: Bucket) -> None:
    bucket.objects.put("a/cat.webp", b"one", "image/webp", IMMUTABLE)
    bucket.objects.copy("a/cat.webp", "b/ü cat.webp")
    bucket.objects.delete("a/cat.webp")
    stored = bucket.objects.get("b/ü cat.webp")
    assert (stored.body, stored.content_type) == (b"one", "image/webp")


def test_a_missing_object_cannot_be_copied(bucket: Bucket) -> None:
    bucket.upload("cat.jpg", b"one")
    bucket.objects.delete("cat.jpg")
    for key in ("cat.jpg", "dog.jpg"):
        with pytest.raises(PermanentError) as refused:
            bucket.objects.copy(key, "copy.jpg")
        assert refused.value.reason == "gone"
    assert list(bucket.objects.keys("copy")) == []


def test_a_copy_has_the_cache_control_of_its_source(s3: Any) -> None:
    objects = S3Objects(s3, "bucket")
    objects.put("cat.webp", b"one", "image/webp", IMMUTABLE)
    objects.copy("cat.webp", "copy.webp")
    head = s3.head_object(Bucket="bucket", Key="copy.webp")
    assert (head["ContentType"], head["CacheControl"]) == ("image/webp", IMMUTABLE)


def test_a_repeated_deletion_is_no_error(bucket: Bucket) -> None:
    bucket.objects.put("cat.jpg", b"one", JPEG)
    bucket.objects.delete("cat.jpg")
    bucket.objects.delete("cat.jpg")
    bucket.objects.delete("never there")
    assert bucket.objects.find("cat.jpg") is None


def test_erase_deletes_all_versions_under_a_prefix(bucket: Bucket) -> None:
    gone = [("a/cat.jpg", bucket.upload("a/cat.jpg", body)) for body in (b"1", b"2")]
    gone += [("a/dog.jpg", bucket.upload("a/dog.jpg", b"3"))]
    bucket.objects.delete("a/dog.jpg")
    other = bucket.upload("ab/cat.jpg", b"4")
    bucket.objects.erase("a/")
    bucket.objects.erase("a/")
    assert {reason_of(bucket, key, version=version) for key, version in gone} == {"gone"}
    assert bucket.objects.get("ab/cat.jpg", version=other).body == b"4"


def test_keys_lists_the_keys_under_a_prefix(bucket: Bucket) -> None:
    for key in ("a/1/x", "a/1/y", "a/10/x", "b/1/x"):
        bucket.objects.put(key, b"", JPEG)
    bucket.objects.delete("a/1/x")
    assert list(bucket.objects.keys("a/1/")) == ["a/1/y"]
    assert list(bucket.objects.keys("c/")) == []


def test_delete_all_deletes_only_the_keys_of_one_run(bucket: Bucket) -> None:
    for key in ("a/1/x", "a/1/y", "a/10/x"):
        bucket.objects.put(key, b"", JPEG)
    assert delete_all(bucket.objects, "a/1/") == 2
    assert delete_all(bucket.objects, "a/1/") == 0
    assert list(bucket.objects.keys("")) == ["a/10/x"]


def test_keys_reads_all_pages_of_s3(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    objects = S3Objects(s3, "bucket")
    for n in range(5):
        objects.put(f"a/{n}", b"", JPEG)
    assert list(objects.keys("a/")) == [f"a/{n}" for n in range(5)]
    assert len(s3.list_objects_v2(Bucket="bucket")["Contents"]) == 2


def test_put_sets_the_content_type_and_the_cache_control(s3: Any) -> None:
    S3Objects(s3, "bucket").put("cat.webp", b"one", "image/webp", IMMUTABLE)
    head = s3.head_object(Bucket="bucket", Key="cat.webp")
    assert (head["ContentType"], head["CacheControl"]) == ("image/webp", IMMUTABLE)


def test_an_object_is_not_cached_by_default(s3: Any) -> None:
    S3Objects(s3, "bucket").put("result.json", b"{}", "application/json")
    assert s3.head_object(Bucket="bucket", Key="result.json")["CacheControl"] == "no-cache"


def test_an_unknown_version_is_gone(s3: Any) -> None:
    # S3 itself answers NoSuchVersion to a well-formed id and InvalidArgument to any other; moto
    # answers NoSuchVersion to both.
    s3.put_object(Bucket="bucket", Key="cat.jpg", Body=b"one")
    unknown = "096fKKXTRTtl3on89fVO.nfljtsv6qko"
    assert reason_of(Bucket(S3Objects(s3, "bucket")), "cat.jpg", version=unknown) == "gone"


def test_a_delete_marker_is_gone(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="cat.jpg", Body=b"one")
    marker = s3.delete_object(Bucket="bucket", Key="cat.jpg")["VersionId"]
    assert reason_of(Bucket(S3Objects(s3, "bucket")), "cat.jpg", version=marker) == "gone"
