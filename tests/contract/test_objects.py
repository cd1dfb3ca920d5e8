"""One suite for every bucket: S3 (as moto plays it) and the one in memory."""

from typing import Any

import pytest

from shared.errors import Fault, PermanentError
from shared.objects import FOREVER, Objects, S3Objects, delete_all
from tests.fakes import MemoryObjects, etag_of

JPEG = "image/jpeg"


class OneBucket:
    """A bucket under test, with what only an uploader does: metadata, and seeing the version."""

    def __init__(self, objects: Objects, s3: Any = None) -> None:
        self.objects = objects
        self.s3 = s3

    def upload(self, key: str, body: bytes, **metadata: str) -> str:
        """Put an original; the version it got."""
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
def bucket(request: pytest.FixtureRequest) -> OneBucket:
    if request.param == "memory":
        return OneBucket(MemoryObjects())
    s3 = request.getfixturevalue("s3")
    return OneBucket(S3Objects(s3, "bucket"), s3)


def reason_of(bucket: OneBucket, key: str, **which: str) -> str:
    with pytest.raises(PermanentError) as refused:
        bucket.objects.get(key, **which)
    assert refused.value.fault is Fault.CLIENT
    return refused.value.reason


def test_what_was_put_is_got(bucket: OneBucket) -> None:
    bucket.objects.put("a/ü & more.jpg", b"one", JPEG)
    found = bucket.objects.get("a/ü & more.jpg")
    assert (found.body, found.content_type, dict(found.metadata)) == (b"one", JPEG, {})


def test_a_version_is_got_as_it_was(bucket: OneBucket) -> None:
    first = bucket.upload("cat.jpg", b"one")
    bucket.upload("cat.jpg", b"two")
    assert bucket.objects.get("cat.jpg", version=first).body == b"one"
    assert bucket.objects.get("cat.jpg").body == b"two"


def test_a_version_outlives_the_deletion_of_its_key(bucket: OneBucket) -> None:
    first = bucket.upload("cat.jpg", b"one")
    bucket.objects.delete("cat.jpg")
    assert bucket.objects.get("cat.jpg", version=first).body == b"one"
    assert reason_of(bucket, "cat.jpg") == "gone"


def test_an_object_that_still_has_its_etag_is_got(bucket: OneBucket) -> None:
    bucket.upload("cat.jpg", b"one")
    assert bucket.objects.get("cat.jpg", etag=etag_of(b"one")).body == b"one"


def test_an_object_with_another_etag_was_replaced(bucket: OneBucket) -> None:
    bucket.upload("cat.jpg", b"two")
    assert reason_of(bucket, "cat.jpg", etag=etag_of(b"one")) == "replaced"


def test_a_version_is_asked_for_in_place_of_an_etag(bucket: OneBucket) -> None:
    first = bucket.upload("cat.jpg", b"one")
    assert bucket.objects.get("cat.jpg", version=first, etag="of another").body == b"one"


def test_what_was_never_there_is_gone(bucket: OneBucket) -> None:
    assert reason_of(bucket, "cat.jpg") == "gone"
    assert reason_of(bucket, "cat.jpg", etag="abc") == "gone"


def test_what_the_uploader_said_is_read_with_it(bucket: OneBucket) -> None:
    bucket.upload("cat.jpg", b"one", owner="ada")
    assert bucket.objects.get("cat.jpg").metadata == {"owner": "ada"}


def test_finding_what_is_not_there_is_none(bucket: OneBucket) -> None:
    bucket.upload("cat.jpg", b"one")
    bucket.objects.delete("cat.jpg")
    assert bucket.objects.find("cat.jpg") is None
    assert bucket.objects.find("dog.jpg") is None


def test_finding_what_is_there_is_that(bucket: OneBucket) -> None:
    bucket.upload("cat.jpg", b"one", owner="ada")
    assert bucket.objects.find("cat.jpg") == bucket.objects.get("cat.jpg")


def test_in_the_place_of_nothing_one_is_put_and_no_other(bucket: OneBucket) -> None:
    assert bucket.objects.replace("a.json", None, b"one", "application/json")
    assert not bucket.objects.replace("a.json", None, b"two", "application/json")
    found = bucket.objects.get("a.json")
    assert (found.body, found.content_type) == (b"one", "application/json")


def test_what_was_found_is_replaced_unless_another_came_between(bucket: OneBucket) -> None:
    bucket.objects.put("a.json", b"one", "application/json")
    before = bucket.objects.find("a.json")
    assert bucket.objects.replace("a.json", before, b"two", "application/json")
    assert not bucket.objects.replace("a.json", before, b"three", "application/json")
    assert bucket.objects.get("a.json").body == b"two"


def test_what_is_gone_meanwhile_is_not_replaced(bucket: OneBucket) -> None:
    bucket.objects.put("a.json", b"one", "application/json")
    before = bucket.objects.get("a.json")
    bucket.objects.delete("a.json")
    assert not bucket.objects.replace("a.json", before, b"two", "application/json")
    assert bucket.objects.find("a.json") is None
    assert bucket.objects.replace("a.json", None, b"three", "application/json")


def test_a_copy_is_another_object_that_says_the_same(bucket: OneBucket) -> None:
    bucket.objects.put("a/cat.webp", b"one", "image/webp", FOREVER)
    bucket.objects.copy("a/cat.webp", "b/ü cat.webp")
    bucket.objects.delete("a/cat.webp")
    found = bucket.objects.get("b/ü cat.webp")
    assert (found.body, found.content_type) == (b"one", "image/webp")


def test_what_is_not_there_cannot_be_copied(bucket: OneBucket) -> None:
    bucket.upload("cat.jpg", b"one")
    bucket.objects.delete("cat.jpg")
    for key in ("cat.jpg", "dog.jpg"):
        with pytest.raises(PermanentError) as refused:
            bucket.objects.copy(key, "copy.jpg")
        assert refused.value.reason == "gone"
    assert list(bucket.objects.keys("copy")) == []


def test_a_copy_may_be_kept_by_caches_as_long_as_its_source(s3: Any) -> None:
    objects = S3Objects(s3, "bucket")
    objects.put("cat.webp", b"one", "image/webp", FOREVER)
    objects.copy("cat.webp", "copy.webp")
    told = s3.head_object(Bucket="bucket", Key="copy.webp")
    assert (told["ContentType"], told["CacheControl"]) == ("image/webp", FOREVER)


def test_deleting_twice_is_no_error(bucket: OneBucket) -> None:
    bucket.objects.put("cat.jpg", b"one", JPEG)
    bucket.objects.delete("cat.jpg")
    bucket.objects.delete("cat.jpg")
    bucket.objects.delete("never there")
    assert bucket.objects.find("cat.jpg") is None


def test_what_is_erased_is_gone_in_every_version_and_nothing_else_is(bucket: OneBucket) -> None:
    gone = [("a/cat.jpg", bucket.upload("a/cat.jpg", body)) for body in (b"1", b"2")]
    gone += [("a/dog.jpg", bucket.upload("a/dog.jpg", b"3"))]
    bucket.objects.delete("a/dog.jpg")
    stays = bucket.upload("ab/cat.jpg", b"4")
    bucket.objects.erase("a/")
    bucket.objects.erase("a/")
    assert {reason_of(bucket, key, version=version) for key, version in gone} == {"gone"}
    assert bucket.objects.get("ab/cat.jpg", version=stays).body == b"4"


def test_keys_are_those_below_the_prefix(bucket: OneBucket) -> None:
    for key in ("a/1/x", "a/1/y", "a/10/x", "b/1/x"):
        bucket.objects.put(key, b"", JPEG)
    bucket.objects.delete("a/1/x")
    assert list(bucket.objects.keys("a/1/")) == ["a/1/y"]
    assert list(bucket.objects.keys("c/")) == []


def test_deleting_a_run_leaves_the_others(bucket: OneBucket) -> None:
    for key in ("a/1/x", "a/1/y", "a/10/x"):
        bucket.objects.put(key, b"", JPEG)
    assert delete_all(bucket.objects, "a/1/") == 2
    assert delete_all(bucket.objects, "a/1/") == 0
    assert list(bucket.objects.keys("")) == ["a/10/x"]


def test_keys_are_found_beyond_one_page_of_s3(s3: Any) -> None:
    objects = S3Objects(s3, "bucket")
    for n in range(1001):
        objects.put(f"a/{n:04}", b"", JPEG)
    assert list(objects.keys("a/")) == [f"a/{n:04}" for n in range(1001)]


def test_s3_is_told_what_it_is_and_how_long_it_may_be_kept(s3: Any) -> None:
    S3Objects(s3, "bucket").put("cat.webp", b"one", "image/webp", FOREVER)
    told = s3.head_object(Bucket="bucket", Key="cat.webp")
    assert (told["ContentType"], told["CacheControl"]) == ("image/webp", FOREVER)


def test_what_may_change_is_not_kept_by_caches(s3: Any) -> None:
    S3Objects(s3, "bucket").put("result.json", b"{}", "application/json")
    assert s3.head_object(Bucket="bucket", Key="result.json")["CacheControl"] == "no-cache"


def test_a_version_s3_does_not_know_is_gone(s3: Any) -> None:
    # S3 itself answers NoSuchVersion to a well-formed id and InvalidArgument to any other; moto
    # answers NoSuchVersion to both.
    s3.put_object(Bucket="bucket", Key="cat.jpg", Body=b"one")
    unknown = "096fKKXTRTtl3on89fVO.nfljtsv6qko"
    assert reason_of(OneBucket(S3Objects(s3, "bucket")), "cat.jpg", version=unknown) == "gone"


def test_the_version_that_is_a_deletion_is_gone(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="cat.jpg", Body=b"one")
    marker = s3.delete_object(Bucket="bucket", Key="cat.jpg")["VersionId"]
    assert reason_of(OneBucket(S3Objects(s3, "bucket")), "cat.jpg", version=marker) == "gone"
