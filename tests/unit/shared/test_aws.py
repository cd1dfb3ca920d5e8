"""Errors of AWS are translated by their code and type only; clients are lazy and shared."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from shared.aws import REFUSED, THROTTLED, aws_errors, client
from shared.errors import DarkroomError, Fault, PermanentError, Throttled, TransientError

HERE = "http://127.0.0.1:5400"


def client_error(code: str, message: str = "because") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")


def translated(error: Exception, **permanent: tuple[str, Fault]) -> DarkroomError:
    with pytest.raises(DarkroomError) as raised, aws_errors("cat.jpg", **permanent):
        raise error
    assert raised.value.__cause__ is error
    return raised.value


@pytest.mark.parametrize("code", sorted(THROTTLED))
def test_a_throttling_code_becomes_throttled(code: str) -> None:
    error = translated(client_error(code))
    assert type(error) is Throttled
    assert (error.reason, error.facts) == ("throttled", {"code": code})


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_a_missing_permission_is_an_internal_fault(code: str) -> None:
    error = translated(client_error(code))
    assert type(error) is PermanentError
    assert (error.reason, error.fault) == ("forbidden", Fault.INTERNAL)


def test_a_caller_can_declare_a_code_permanent() -> None:
    error = translated(client_error("NoSuchKey"), NoSuchKey=("gone", Fault.CLIENT))
    assert type(error) is PermanentError
    assert (error.reason, error.fault) == ("gone", Fault.CLIENT)
    assert error.detail == "cat.jpg: because"


def test_the_codes_of_a_caller_take_precedence() -> None:
    error = translated(client_error("403"), **{"403": ("gone", Fault.CLIENT)})
    assert error.reason == "gone"


@pytest.mark.parametrize("code", ["InternalError", "ServiceUnavailable", "503", "NoSuchKey", ""])
def test_any_other_code_is_transient(code: str) -> None:
    error = translated(client_error(code))
    assert type(error) is TransientError
    assert (error.reason, error.fault) == ("unavailable", Fault.DEPENDENCY)


def test_an_error_without_a_code_is_transient() -> None:
    assert type(translated(ClientError({}, "GetObject"))) is TransientError


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url=HERE),
        ConnectTimeoutError(endpoint_url=HERE),
        ReadTimeoutError(endpoint_url=HERE),
        NoCredentialsError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_missing_response_is_transient(error: Exception) -> None:
    assert translated(error).reason == "unreachable"
    assert type(translated(error)) is TransientError


def test_other_errors_are_not_translated() -> None:
    with pytest.raises(KeyError), aws_errors("cat.jpg"):
        raise KeyError("ours")


def test_a_client_is_created_once_with_timeouts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", HERE)
    client.cache_clear()
    first = client("sqs")
    assert client("sqs") is first
    assert first.meta.endpoint_url == HERE
    assert (first.meta.config.connect_timeout, first.meta.config.read_timeout) == (3, 10)
    client.cache_clear()


def test_a_client_is_created_at_its_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.aws._session", lambda: pytest.fail("a client was created"))
    client.cache_clear()
    assert client("sqs") is client("sqs")
    client.cache_clear()


def test_concurrent_threads_share_one_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client.cache_clear()
    lazy, together = client("sqs"), threading.Barrier(8)

    def meta(_: int) -> object:
        together.wait(60)
        return lazy.meta

    with ThreadPoolExecutor(8) as threads:
        assert len(set(map(id, threads.map(meta, range(8))))) == 1
    client.cache_clear()


class Broken(BaseHTTPRequestHandler):
    """Responds to every request with 500 and counts them."""

    requests = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).requests += 1
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Log nothing."""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Broken]]:
    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        Broken.requests = 0
        client.cache_clear()
        yield Broken
        client.cache_clear()
        server.shutdown()


@pytest.mark.parametrize(("once", "requests"), [(True, 1), (False, 3)])
def test_a_client_for_paid_or_visible_calls_does_not_retry(
    broken: type[Broken], once: bool, requests: int
) -> None:
    with pytest.raises(TransientError), aws_errors("the topic"):
        client("sns", once=once).publish(TopicArn="arn:aws:sns:us-east-1:0:t", Message="m")
    assert broken.requests == requests
