"""Pictures named by bucket and key, read from a fake S3 server."""

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.networks import Networks
from infra.rekognition.operations import live_services
from infra.rekognition.pictures import MAX_OBJECT_BYTES
from infra.rekognition.sources import Sources
from tests.unit.rekognition.conftest import connect, serving

ERRORS = {"NoSuchKey": 404, "NoSuchBucket": 404, "AccessDenied": 403, "InternalError": 500}


class FakeS3(BaseHTTPRequestHandler):
    """Serves GET of an object, also by version. A key that is an error code returns that error."""

    objects: dict[tuple[str, str | None], bytes]

    def do_GET(self):
        parts = urlsplit(self.path)
        path, version = unquote(parts.path), parse_qs(parts.query).get("versionId", [None])[0]
        content = self.objects.get((path, version))
        code = path.rpartition("/")[2] if path.rpartition("/")[2] in ERRORS else "NoSuchKey"
        body = content or f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.send_response(200 if content else ERRORS[code])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # the client stops reading an object that is too large
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def objects(monkeypatch):
    """The objects of the fake S3. The usual environment variables refer to it."""
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


def error_of(name):
    with pytest.raises(RekognitionError) as caught:
        read(name)
    return caught.value


def test_the_usual_variables_configure_the_client(objects):
    objects["/uploads/a b/ü+(1).jpg", None] = b"picture"

    assert read("a b/ü+(1).jpg") == b"picture"


def test_a_named_version_is_read(objects):
    objects["/uploads/cat.jpg", None] = b"new"
    objects["/uploads/cat.jpg", "v1"] = b"old"

    assert read("cat.jpg", Version="v1") == b"old"


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchBucket", "AccessDenied"])
def test_an_unreadable_object_is_an_invalid_s3_object(objects, code):
    error = error_of(code)

    assert error.code is Code.INVALID_S3_OBJECT
    assert code in str(error)


def test_an_invalid_bucket_name_is_an_invalid_s3_object(objects):
    with pytest.raises(RekognitionError) as caught:
        Sources().read({"S3Object": {"Bucket": "no bucket", "Name": "key"}})

    assert caught.value.code is Code.INVALID_S3_OBJECT


def test_a_failure_of_s3_is_an_internal_error_that_clients_retry(objects):
    assert error_of("InternalError").status == 500


def test_an_unreachable_s3_is_an_internal_error_that_names_its_url(objects, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    error = error_of("cat.jpg")

    assert error.code is Code.INTERNAL
    assert "http://127.0.0.1:9" in str(error)


def test_an_object_may_have_at_most_15_mb(objects):
    objects["/uploads/most.jpg", None] = b"0" * MAX_OBJECT_BYTES
    objects["/uploads/more.jpg", None] = b"0" * (MAX_OBJECT_BYTES + 1)

    assert len(read("most.jpg")) == MAX_OBJECT_BYTES
    assert error_of("more.jpg").code is Code.IMAGE_TOO_LARGE


def test_a_photo_in_s3_is_labelled(objects, weights, cat):
    objects["/uploads/cat.jpg", None] = cat

    with serving(live_services(Networks(weights, threads=1), Sources())) as url:
        image = {"S3Object": {"Bucket": "uploads", "Name": "cat.jpg"}}
        response = connect(url).detect_labels(Image=image)

    assert "Cat" in [label["Name"] for label in response["Labels"]]
