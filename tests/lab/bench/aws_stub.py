"""AWS on loopback, as far as a function's first record needs it: empty tables, one photo, no more.

Each service's protocol is what botocore speaks to it; nothing is signed for, nothing is kept.
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
NOTHING_LISTED = (
    "<{0} xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><IsTruncated>false</IsTruncated></{0}>"
)
MISSING = "<Error><Code>NoSuchKey</Code><Message>nothing there</Message></Error>"


class AwsStub(ThreadingHTTPServer):
    """Listens on a free port and counts the operations that it is asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.heard: Counter[str] = Counter()

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
            self._say(operation, json.dumps(_table(operation, json.loads(body))))
        elif service.startswith("Rekognition"):
            self._say(operation, json.dumps(REKOGNITION[operation]))
        elif operation == "PutEvents":
            self._say(operation, '{"FailedEntryCount": 0, "Entries": []}')
        elif service:
            self._say(operation, "{}")
        elif asked := parse_qs(body.decode(errors="replace")).get("Action"):
            self._say(asked[0], PUBLISHED, "text/xml")
        else:
            self._object()

    do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - http.server looks for them

    def _object(self) -> None:
        if self.command != "GET":
            self._say("PutObject", "")
        elif "versions" in self.path:
            self._say("ListObjectVersions", NOTHING_LISTED.format("ListVersionsResult"), "text/xml")
        elif "list-type" in self.path:
            self._say("ListObjectsV2", NOTHING_LISTED.format("ListBucketResult"), "text/xml")
        elif self.path.startswith("/uploads/"):
            self._say("GetObject", PHOTO.read_bytes(), "image/jpeg")
        else:
            self._say("GetObject", MISSING, "text/xml", status=404)

    def _say(
        self, operation: str, body: str | bytes, kind: str = "application/json", status: int = 200
    ) -> None:
        self.server.heard[operation] += 1
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


def _table(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
    """An empty table's answer; a claim is granted."""
    if operation in {"Query", "Scan"}:
        return EMPTY
    if operation == "UpdateItem" and asked.get("ReturnValues") == "ALL_NEW":
        said = asked["ExpressionAttributeValues"]
        claimed = {"owner": said[":owner"], "until": said[":until"], "attempts": {"N": "1"}}
        return {"Attributes": claimed}
    return {}
