"""Pictures named by bucket and key, read from an S3 of a few lines."""

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.networks import Networks
from infra.rekognition.operations import looking
from infra.rekognition.pictures import MAX_OBJECT_BYTES
from infra.rekognition.sources import Sources
from tests.unit.rekognition.conftest import connect, serving

ERRORS = {"NoSuchKey": 404, "NoSuchBucket": 404, "AccessDenied": 403, "InternalError": 500}


class FakeS3(BaseHTTPRequestHandler):
    """GET of an object, by version too; a key that is an error's code answers that error."""

    objects: dict[tuple[str, str | None], bytes]

    def do_GET(self):
        parts = urlsplit(self.path)
        path, version = unquote(parts.path), parse_qs(parts.query).get("versionId", [None])[0]
        found = self.objects.get((path, version))
        code = path.rpartition("/")[2] if path.rpartition("/")[2] in ERRORS else "NoSuchKey"
        body = found or f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.send_response(200 if found else ERRORS[code])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # what is too large is not read to its end
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def objects(monkeypatch):
    """The objects of the S3 that the usual variables point at."""
    handler = type("Handler", (FakeS3,), {"objects": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://localhost:{server.server_port}")
        monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield handler.objects
        server.shutdown()
        thread.join(60)


def read(name, **more):
    return Sources().read({"S3Object": {"Bucket": "uploads", "Name": name, **more}})


def refusal(name):
    with pytest.raises(RekognitionError) as caught:
        read(name)
    return caught.value


def test_an_object_is_read_through_the_usual_variables(objects):
    objects["/uploads/a b/ü+(1).jpg", None] = b"picture"

    assert read("a b/ü+(1).jpg") == b"picture"


def test_a_version_is_read_if_it_is_named(objects):
    objects["/uploads/cat.jpg", None] = b"new"
    objects["/uploads/cat.jpg", "v1"] = b"old"

    assert read("cat.jpg", Version="v1") == b"old"


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchBucket", "AccessDenied"])
def test_an_object_that_cannot_be_had_is_an_invalid_s3_object(objects, code):
    error = refusal(code)

    assert error.code is Code.INVALID_S3_OBJECT
    assert code in str(error)


def test_a_bucket_name_that_cannot_be_is_an_invalid_s3_object(objects):
    with pytest.raises(RekognitionError) as caught:
        Sources().read({"S3Object": {"Bucket": "no bucket", "Name": "key"}})

    assert caught.value.code is Code.INVALID_S3_OBJECT


def test_an_s3_that_fails_is_our_error_so_that_callers_try_again(objects):
    assert refusal("InternalError").status == 500


def test_an_s3_that_cannot_be_reached_is_our_error_and_says_where(objects, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    error = refusal("cat.jpg")

    assert error.code is Code.INTERNAL
    assert "http://127.0.0.1:9" in str(error)


def test_an_object_may_have_15_mb_and_no_more(objects):
    objects["/uploads/most.jpg", None] = b"0" * MAX_OBJECT_BYTES
    objects["/uploads/more.jpg", None] = b"0" * (MAX_OBJECT_BYTES + 1)

    assert len(read("most.jpg")) == MAX_OBJECT_BYTES
    assert refusal("more.jpg").code is Code.IMAGE_TOO_LARGE


def test_labels_are_found_in_a_photo_on_s3(objects, weights, cat):
    objects["/uploads/cat.jpg", None] = cat

    with serving(looking(Networks(weights, threads=1), Sources())) as url:
        where = {"S3Object": {"Bucket": "uploads", "Name": "cat.jpg"}}
        answer = connect(url).detect_labels(Image=where)

    assert "Cat" in [label["Name"] for label in answer["Labels"]]
