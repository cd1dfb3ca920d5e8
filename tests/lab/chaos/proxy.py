"""A proxy between the functions and the emulator that injects faults and records calls.

It forwards each request unchanged, including the Host header, so that the signature stays valid.
"""

import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from tests.lab.chaos.calls import Call, read_call
from tests.lab.chaos.faults import ANSWERED, EARLY, LATE, Draw, Fault, Kind, error_response, none
from tests.lab.chaos.recorder import Recorder

CONNECTION_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "expect"})
"""Headers that apply to one connection and are not forwarded."""
LONGEST_TIMEOUT = 30.0
"""s. A call with a timeout fault waits until the caller disconnects, at most for this long.

This is longer than any function's timeout in a chaos stage.
"""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 s: closing sends RST instead of FIN."""

End = Callable[[signal.Signals, int, int], bool]
"""Signals the process at the other end of the connection between these two ports."""


@dataclass(frozen=True)
class Answer:
    """A service's response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Disconnected(Exception):
    """The caller gets no answer: its connection is reset or already closed."""


class Proxy(ThreadingHTTPServer):
    """Listens on a loopback port while its ``with`` block runs.

    ``services`` maps a service, as the signature names it, to the port that its calls go to; all
    other calls go to the port ``emulator``. ``draw`` may be changed at any time.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        emulator: int,
        services: Mapping[str, int] | None = None,
        draw: Draw = none,
        end: End = lambda _number, _theirs, _ours: False,
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.emulator = emulator
        self.services = dict(services or {})
        self.draw = draw
        self.end = end
        self.recorder = Recorder()
        self.broken: BaseException | None = None
        self.disconnected = Event()
        """Set when a caller has closed its connection."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore callers that disconnect; remember and show any other error."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            self.broken = error
            super().handle_error(request, client_address)

    def raise_for_errors(self) -> None:
        """Raise RuntimeError if the proxy itself failed."""
        if self.broken:
            raise RuntimeError("the proxy failed, so its counts are invalid") from self.broken


class Handler(BaseHTTPRequestHandler):
    """One connection of a function."""

    server: Proxy
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._effects: list[Call] = []

    def finish(self) -> None:
        self.server.recorder.record_disconnect(self._effects)
        self.server.disconnected.set()
        super().finish()

    def handle_expect_100(self) -> bool:
        """Flush the base class's answer; the caller waits for it."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def handle_call(self) -> None:
        """Forward one request and return its response, with the fault drawn for it."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the caller was killed while it sent the request
            self.close_connection = True
            return
        signature = self.headers.get("Authorization", "")
        target = self.headers.get("X-Amz-Target", "")
        call = read_call(self.command, self.path, signature, target, body)
        call = self.server.recorder.identify(call)
        fault = self.server.draw(call)
        self.server.recorder.record_request(call, fault)
        try:
            self._respond(self._answer(call, body, fault))
        except (Disconnected, ConnectionError):
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_call  # noqa: N815 - the base class's names

    def _answer(self, call: Call, body: bytes, fault: Fault | None) -> Answer:
        if fault:
            self._before(call, fault)
        if fault and fault.kind in ANSWERED:
            error = error_response(call.service, fault)
            return Answer(error.status, [("Content-Type", error.content_type)], error.body)
        answer = self._forward(call, body)
        self.server.recorder.record_answer(call, answer.status, fault)
        if call.notification or call.paid_call:
            self._effects.append(call)
        if fault and fault.kind in LATE:
            self._lose(fault.kind)
        return answer

    def _before(self, call: Call, fault: Fault) -> None:
        if fault.kind is Kind.SLOW:
            time.sleep(fault.seconds)
        if fault.kind in EARLY | ANSWERED:
            self.server.recorder.record_prevented(call, fault)
        if fault.kind in EARLY:
            self._lose(fault.kind)

    def _lose(self, kind: Kind) -> None:
        """Disconnect the caller; some kinds also end its process."""
        ports = self.client_address[1], self.server.server_port
        match kind:
            case Kind.KILL_BEFORE | Kind.KILL_AFTER:
                self.server.end(signal.SIGKILL, *ports)
            case Kind.EXIT_BEFORE | Kind.EXIT_AFTER:
                self.server.end(signal.SIGUSR1, *ports)
            case Kind.TIMEOUT_BEFORE | Kind.TIMEOUT_AFTER:
                self._wait_for_disconnect()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()
        raise Disconnected(kind)

    def _wait_for_disconnect(self) -> None:
        """A caller sends nothing while it waits for an answer, so readable means disconnected."""
        select.select([self.connection], [], [], LONGEST_TIMEOUT)

    def _forward(self, call: Call, body: bytes) -> Answer:
        port = self.server.services.get(call.service, self.server.emulator)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in CONNECTION_HEADERS}
        with closing(HTTPConnection("127.0.0.1", port, timeout=LONGEST_TIMEOUT)) as onward:
            try:
                onward.request(self.command, self.path, body, headers)
                answer = onward.getresponse()
                response_headers = [
                    (k, v) for k, v in answer.getheaders() if k.lower() not in CONNECTION_HEADERS
                ]
                return Answer(answer.status, response_headers, answer.read())
            except TimeoutError as error:
                self.server.recorder.record_no_answer(call)
                raise Disconnected(call.name) from error

    def _respond(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        length = ("Content-Length", str(len(answer.body)))
        present = {name.lower() for name, _ in answer.headers}
        for name, value in answer.headers + ([] if "content-length" in present else [length]):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and answer.status != HTTPStatus.NO_CONTENT:
            self.wfile.write(answer.body)
        self.wfile.flush()
