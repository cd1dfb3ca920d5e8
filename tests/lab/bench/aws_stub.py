"""A stub of AWS on loopback for a function's first invocation: empty tables and one photo.

It speaks each service's protocol as botocore does, checks no signature and stores nothing.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

PHOTO = Path(__file__).parents[3] / "infra/local/samples/cat.jpg"
REKOGNITION = {
    "DetectLabels": {"Labels": [{"Name": "Cat", "Confidence": 98.0}], "LabelModelVersion": "3.0"},
    "DetectFaces": {"FaceDetails": []},
    "DetectText": {"TextDetections": [], "TextModelVersion": "3.0"},
    "DetectModerationLabels": {"ModerationLabels": [], "ModerationModelVersion": "7.0"},
}
EMPTY = {"Items": [], "Count": 0, "ScannedCount": 0}
PUBLISHED = (
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    "<MessageId>1</MessageId></PublishResult></PublishResponse>"
)
EMPTY_LISTING = (
    "<{0} xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><IsTruncated>false</IsTruncated></{0}>"
)
MISSING = "<Error><Code>NoSuchKey</Code><Message>nothing there</Message></Error>"


class AwsStub(ThreadingHTTPServer):
    """Listens on a free port and counts the requested operations."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.operations: Counter[str] = Counter()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def aws_stub() -> Iterator[AwsStub]:
    with AwsStub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AwsStub

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        service, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        if service.startswith("DynamoDB"):
            self._respond(operation, json.dumps(_table(operation, json.loads(body))))
        elif service.startswith("Rekognition"):
            self._respond(operation, json.dumps(REKOGNITION[operation]))
        elif operation == "PutEvents":
            self._respond(operation, '{"FailedEntryCount": 0, "Entries": []}')
        elif service:
            self._respond(operation, "{}")
        elif action := parse_qs(body.decode(errors="replace")).get("Action"):
            self._respond(action[0], PUBLISHED, "text/xml")
        else:
            self._object()

    do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - http.server looks for them

    def _object(self) -> None:
        if self.command != "GET":
            self._respond("PutObject", "")
        elif "versions" in self.path:
            self._respond(
                "ListObjectVersions", EMPTY_LISTING.format("ListVersionsResult"), "text/xml"
            )
        elif "list-type" in self.path:
            self._respond("ListObjectsV2", EMPTY_LISTING.format("ListBucketResult"), "text/xml")
        elif self.path.startswith("/uploads/"):
            self._respond("GetObject", PHOTO.read_bytes(), "image/jpeg")
        else:
            self._respond("GetObject", MISSING, "text/xml", status=404)

    def _respond(
        self, operation: str, body: str | bytes, kind: str = "application/json", status: int = 200
    ) -> None:
        self.server.operations[operation] += 1
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: object) -> None:
        """Log nothing."""


def _table(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The answer of an empty table; every claim is acquired."""
    if operation in {"Query", "Scan"}:
        return EMPTY
    if operation == "UpdateItem" and parameters.get("ReturnValues") == "ALL_NEW":
        values = parameters["ExpressionAttributeValues"]
        claim = {"owner": values[":owner"], "until": values[":until"], "attempts": {"N": "1"}}
        return {"Attributes": claim}
    return {}
