"""The HTTP server: carries calls in and answers out, and says how it is."""

import json
import logging
import socketserver
import time
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.pictures import MAX_BYTES
from infra.rekognition.protocol import Answer, Call
from infra.rekognition.services import Services

log = logging.getLogger(__name__)

# An image at its limit, in base64, and room for the other parameters.
MAX_BODY: Final = MAX_BYTES * 4 // 3 + 64 * 1024
# What is longer is read to its end and thrown away, so that the caller hears why; up to here.
MAX_DISCARDED: Final = 64 * 1024 * 1024
CHUNK: Final = 64 * 1024

# Long, because a connection that is closed just as its next request arrives is an error to a caller
# without retries.
IDLE_SECONDS: Final = 600


class Server(ThreadingHTTPServer):
    """A thread for each connection; `with` closes it."""

    daemon_threads = True
    request_queue_size = 128  # a burst of callers waits rather than being refused

    def __init__(self, address: tuple[str, int], services: Services) -> None:
        self.services = services
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        host, self.server_port = self.socket.getsockname()
        self.server_name = str(host)

    @property
    def url(self) -> str:
        """Where clients find it; the port is the real one, also if 0 was asked for."""
        return f"http://{self.server_name}:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One connection, any number of requests."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    wbufsize = -1  # head and body leave together: apart, each answer would wait for an ACK

    def do_GET(self) -> None:
        """Health: answered as soon as calls would be."""
        if self.path != "/health":
            self._send(Answer(HTTPStatus.NOT_FOUND, {"Message": "GET /health, or POST a call"}))
            return
        offered = self.server.services.offered
        self._send(Answer(HTTPStatus.OK, {"status": "ok", "operations": offered}))

    def do_POST(self) -> None:
        """A call of one of the services: Rekognition's have any other path than Bedrock's."""
        started = time.monotonic()
        try:
            answer = self.server.services.answer(self._call())
        except RekognitionError as error:
            self.close_connection = True
            answer = self.server.services.refusal(self.path, error)
        self._send(answer)
        self._tell(answer, time.monotonic() - started)

    def _call(self) -> Call:
        return Call(
            path=self.path,
            target=self.headers.get("X-Amz-Target", ""),
            authorization=self.headers.get("Authorization", ""),
            body=self._body(),
        )

    def _body(self) -> bytes:
        """Raises RekognitionError, after which the connection is of no use."""
        declared = self.headers.get("Content-Length", "")
        if not declared.isascii() or not declared.isdigit():
            raise RekognitionError(Code.SERIALIZATION, "a request must say its Content-Length")
        length = int(declared)
        if length > MAX_BODY:
            self._discard(min(length, MAX_DISCARDED))
            message = f"the request has {length} bytes; an image in it may have {MAX_BYTES}"
            raise RekognitionError(Code.IMAGE_TOO_LARGE, message)
        body = self.rfile.read(length)
        if len(body) < length:
            raise RekognitionError(Code.SERIALIZATION, "the request ended early")
        return body

    def _discard(self, length: int) -> None:
        while length > 0 and (chunk := self.rfile.read(min(CHUNK, length))):
            length -= len(chunk)

    def _send(self, answer: Answer) -> None:
        content = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if answer.error_type:
            self.send_header("x-amzn-ErrorType", answer.error_type)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def _tell(self, answer: Answer, seconds: float) -> None:
        operation = self.headers.get("X-Amz-Target", "").partition(".")[2] or self.path
        outcome = _outcome(answer)
        log.info("%s %d %s %.0f ms", operation, answer.status, outcome, seconds * 1000)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the base class names it)
        """Into our log instead of the base class's own lines."""
        log.debug(format, *arguments)


def _outcome(answer: Answer) -> str:
    body = answer.body
    if answer.error_type:
        return f"{answer.error_type}: {body['message']}"
    return f"{body['Code']}: {body['Message']}" if "Code" in body else "answered"
