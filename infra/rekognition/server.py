"""The HTTP server: passes requests to the services and answers health checks."""

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
from infra.rekognition.protocol import Request, Response
from infra.rekognition.services import Services

log = logging.getLogger(__name__)

# The largest permitted image in base64, plus 64 KiB for the other parameters.
MAX_BODY: Final = MAX_BYTES * 4 // 3 + 64 * 1024
# A longer body, up to this size, is read and discarded, so that the client receives the error.
MAX_DISCARDED: Final = 64 * 1024 * 1024
CHUNK: Final = 64 * 1024

# Long, because a client without retries fails if its connection closes just as it sends a request.
IDLE_SECONDS: Final = 600


class Server(ThreadingHTTPServer):
    """Serves each connection in its own thread. Use it in a `with` statement to close it."""

    daemon_threads = True
    request_queue_size = 128  # a burst of connections waits instead of being refused

    def __init__(self, address: tuple[str, int], services: Services) -> None:
        self.services = services
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without the reverse DNS lookup of the base class, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        host, self.server_port = self.socket.getsockname()
        self.server_name = str(host)

    @property
    def url(self) -> str:
        """The base URL. Its port is the port in use, also if port 0 was requested."""
        return f"http://{self.server_name}:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Handles one connection with any number of requests."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    wbufsize = -1  # send headers and body in one write; two would wait for an ACK between them

    def do_GET(self) -> None:
        """Answer `GET /health` with the supported operations."""
        if self.path != "/health":
            self._send(Response(HTTPStatus.NOT_FOUND, {"Message": "use GET /health, or POST"}))
            return
        operations = self.server.services.operations
        self._send(Response(HTTPStatus.OK, {"status": "ok", "operations": operations}))

    def do_POST(self) -> None:
        """Pass a request to the services and log its outcome."""
        started = time.monotonic()
        try:
            response = self.server.services.handle(self._request())
        except RekognitionError as error:
            self.close_connection = True
            response = self.server.services.error_response(self.path, error)
        self._send(response)
        self._log(response, time.monotonic() - started)

    def _request(self) -> Request:
        return Request(
            path=self.path,
            target=self.headers.get("X-Amz-Target", ""),
            authorization=self.headers.get("Authorization", ""),
            body=self._body(),
        )

    def _body(self) -> bytes:
        """Read the body. Raises RekognitionError; the connection must then be closed."""
        declared = self.headers.get("Content-Length", "")
        if not declared.isascii() or not declared.isdigit():
            raise RekognitionError(Code.SERIALIZATION, "the request has no valid Content-Length")
        length = int(declared)
        if length > MAX_BODY:
            self._discard(min(length, MAX_DISCARDED))
            message = f"the request has {length} bytes; its image may have {MAX_BYTES}"
            raise RekognitionError(Code.IMAGE_TOO_LARGE, message)
        body = self.rfile.read(length)
        if len(body) < length:
            raise RekognitionError(Code.SERIALIZATION, "the body is shorter than Content-Length")
        return body

    def _discard(self, length: int) -> None:
        while length > 0 and (chunk := self.rfile.read(min(CHUNK, length))):
            length -= len(chunk)

    def _send(self, response: Response) -> None:
        content = json.dumps(response.body).encode()
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if response.error_type:
            self.send_header("x-amzn-ErrorType", response.error_type)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def _log(self, response: Response, seconds: float) -> None:
        operation = self.headers.get("X-Amz-Target", "").partition(".")[2] or self.path
        outcome = _outcome(response)
        log.info("%s %d %s %.0f ms", operation, response.status, outcome, seconds * 1000)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the base class names it)
        """Send the base class's lines to the module's logger."""
        log.debug(format, *arguments)


def _outcome(response: Response) -> str:
    body = response.body
    if response.error_type:
        return f"{response.error_type}: {body['message']}"
    return f"{body['Code']}: {body['Message']}" if "Code" in body else "answered"
