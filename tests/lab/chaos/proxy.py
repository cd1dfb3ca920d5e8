"""A proxy between functions and the emulator: in it calls go wrong, and are counted.

Each request is carried on as it came, its Host header too, so that its signature still holds.
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
from tests.lab.chaos.faults import ANSWERED, EARLY, LATE, Draw, Fault, Kind, none, refusal
from tests.lab.chaos.witness import Witness

HANDED_ON = frozenset({"connection", "keep-alive", "transfer-encoding", "expect"})
"""Headers of one connection, not of what is said over it."""
LONGEST_TIMEOUT = 30.0
"""s. A call that is to run into its function's timeout is held until the caller is gone, or so
long: longer than any timeout of a chaos stage."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for no time: closing sends a reset instead of an end."""

End = Callable[[signal.Signals, int, int], bool]
"""Signals the process at the other end of the connection between these two ports."""


@dataclass(frozen=True)
class Answer:
    """What a service said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Gone(Exception):
    """The caller gets no answer: its connection is reset, or it is not there any more."""


class Proxy(ThreadingHTTPServer):
    """On a port of loopback for as long as its ``with`` block runs.

    ``services`` are the ports that calls go on to, by the service that their signature names; the
    others go to ``emulator``. ``draw`` may be changed at any time.
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
        self.witness = Witness()
        self.broken: BaseException | None = None
        self.hung_up = Event()
        """Set as soon as a caller has hung up."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
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
        """A caller that vanishes is what this is about; any other error is shown."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            self.broken = error
            super().handle_error(request, client_address)

    def must_be_sound(self) -> None:
        """RuntimeError if anything went wrong here that was not meant to."""
        if self.broken:
            raise RuntimeError(
                "the proxy broke, so what it counted is worth nothing"
            ) from self.broken


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
        self.server.witness.hung_up(self._effects)
        self.server.hung_up.set()
        super().finish()

    def handle_expect_100(self) -> bool:
        """What the base class says here would stay in the buffer, and the caller wait for it."""
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def carry(self) -> None:
        """One request, there and back, with whatever goes wrong on the way."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the caller was killed in the middle of it
            self.close_connection = True
            return
        signature = self.headers.get("Authorization", "")
        target = self.headers.get("X-Amz-Target", "")
        asked = read_call(self.command, self.path, signature, target, body)
        call = self.server.witness.recognized(asked)
        fault = self.server.draw(call)
        self.server.witness.asked(call, fault)
        try:
            self._say(self._answer(call, body, fault))
        except (Gone, ConnectionError):
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = carry  # noqa: N815 - the base class's names

    def _answer(self, call: Call, body: bytes, fault: Fault | None) -> Answer:
        if fault:
            self._before(call, fault)
        if fault and fault.kind in ANSWERED:
            said = refusal(call.service, fault)
            return Answer(said.status, [("Content-Type", said.content_type)], said.body)
        answer = self._forward(call, body)
        self.server.witness.answered(call, answer.status, fault)
        if call.tells or call.pays:
            self._effects.append(call)
        if fault and fault.kind in LATE:
            self._lose(fault.kind)
        return answer

    def _before(self, call: Call, fault: Fault) -> None:
        if fault.kind is Kind.SLOW:
            time.sleep(fault.seconds)
        if fault.kind in EARLY | ANSWERED:
            self.server.witness.prevented(call, fault)
        if fault.kind in EARLY:
            self._lose(fault.kind)

    def _lose(self, kind: Kind) -> None:
        """The caller hears nothing any more; whether it lives on depends on the kind."""
        ports = self.client_address[1], self.server.server_port
        match kind:
            case Kind.KILL_BEFORE | Kind.KILL_AFTER:
                self.server.end(signal.SIGKILL, *ports)
            case Kind.EXIT_BEFORE | Kind.EXIT_AFTER:
                self.server.end(signal.SIGUSR1, *ports)
            case Kind.TIMEOUT_BEFORE | Kind.TIMEOUT_AFTER:
                self._wait_until_gone()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()
        raise Gone(kind)

    def _wait_until_gone(self) -> None:
        """A caller says nothing while it waits for an answer: if something comes, it is the end."""
        select.select([self.connection], [], [], LONGEST_TIMEOUT)

    def _forward(self, call: Call, body: bytes) -> Answer:
        port = self.server.services.get(call.service, self.server.emulator)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HANDED_ON}
        with closing(HTTPConnection("127.0.0.1", port, timeout=LONGEST_TIMEOUT)) as onward:
            try:
                onward.request(self.command, self.path, body, headers)
                answer = onward.getresponse()
                kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in HANDED_ON]
                return Answer(answer.status, kept, answer.read())
            except TimeoutError as error:
                self.server.witness.silent(call)
                raise Gone(call.name) from error

    def _say(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        length = ("Content-Length", str(len(answer.body)))
        known = {name.lower() for name, _ in answer.headers}
        for name, value in answer.headers + ([] if "content-length" in known else [length]):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and answer.status != HTTPStatus.NO_CONTENT:
            self.wfile.write(answer.body)
        self.wfile.flush()
