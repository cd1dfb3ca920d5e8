"""A small HTTP server in place of AWS, and the proxy before it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.lab.chaos.proxy import Proxy

PUBLISHED = (
    b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)


@dataclass
class Aws:
    """The requests that arrived, in order: method, path, Host and body of each."""

    port: int
    requests: list[tuple[str, str, str, bytes]] = field(default_factory=list)


@pytest.fixture
def aws() -> Iterator[Aws]:
    """A server that answers every request with 200."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((self.command, self.path, self.headers["Host"], body))
            answer = PUBLISHED if b"Action=Publish" in body else b""
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_POST  # noqa: N815 - the base class's name

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received = Aws(server.server_port)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield received
        server.shutdown()


@pytest.fixture
def proxy(aws: Aws) -> Iterator[Proxy]:
    with Proxy(0, aws.port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Callable[[str], Any]]:
    """boto3's client of a service, without retries and with a read timeout of 1 s."""
    clients = []

    def make(service: str) -> Any:
        clients.append(
            boto3.client(
                service,
                endpoint_url=proxy.endpoint,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(read_timeout=1, retries={"total_max_attempts": 1}),
            )
        )
        return clients[-1]

    yield make
    for client in clients:
        client.close()
