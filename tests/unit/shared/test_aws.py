"""AWS's errors become ours by their code and kind, and by nothing else."""

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


def refusal(code: str, said: str = "because") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": said}}, "GetObject")


def translated(error: Exception, **permanent: tuple[str, Fault]) -> DarkroomError:
    with pytest.raises(DarkroomError) as raised, aws_errors("cat.jpg", **permanent):
        raise error
    assert raised.value.__cause__ is error
    return raised.value


@pytest.mark.parametrize("code", sorted(THROTTLED))
def test_being_told_to_slow_down_is_throttling(code: str) -> None:
    error = translated(refusal(code))
    assert type(error) is Throttled
    assert (error.reason, error.facts) == ("throttled", {"code": code})


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_being_refused_is_ours_to_mend(code: str) -> None:
    error = translated(refusal(code))
    assert type(error) is PermanentError
    assert (error.reason, error.fault) == ("forbidden", Fault.INTERNAL)


def test_what_a_place_calls_permanent_is_permanent_there() -> None:
    error = translated(refusal("NoSuchKey"), NoSuchKey=("gone", Fault.CLIENT))
    assert type(error) is PermanentError
    assert (error.reason, error.fault) == ("gone", Fault.CLIENT)
    assert error.detail == "cat.jpg: because"


def test_a_place_decides_before_the_rest() -> None:
    error = translated(refusal("403"), **{"403": ("gone", Fault.CLIENT)})
    assert error.reason == "gone"


@pytest.mark.parametrize("code", ["InternalError", "ServiceUnavailable", "503", "NoSuchKey", ""])
def test_everything_else_passes(code: str) -> None:
    error = translated(refusal(code))
    assert type(error) is TransientError
    assert (error.reason, error.fault) == ("unavailable", Fault.DEPENDENCY)


def test_an_answer_without_a_code_passes() -> None:
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
def test_no_answer_at_all_passes(error: Exception) -> None:
    assert translated(error).reason == "unreachable"
    assert type(translated(error)) is TransientError


def test_an_error_that_is_not_awss_is_left_alone() -> None:
    with pytest.raises(KeyError), aws_errors("cat.jpg"):
        raise KeyError("ours")


def test_a_client_is_made_once_and_waits_for_no_answer_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", HERE)
    client.cache_clear()
    made = client("sqs")
    assert client("sqs") is made
    assert made.meta.endpoint_url == HERE
    assert (made.meta.config.connect_timeout, made.meta.config.read_timeout) == (3, 10)
    client.cache_clear()


def test_no_client_is_made_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.aws._session", lambda: pytest.fail("a client was made"))
    client.cache_clear()
    assert client("sqs") is client("sqs")
    client.cache_clear()


def test_threads_that_need_a_client_at_once_have_the_same_one(
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
    """Answers everything with 500, and counts."""

    asked = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked += 1
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Broken]]:
    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        Broken.asked = 0
        client.cache_clear()
        yield Broken
        client.cache_clear()
        server.shutdown()


@pytest.mark.parametrize(("once", "asked"), [(True, 1), (False, 3)])
def test_what_is_paid_for_or_heard_is_sent_once(
    broken: type[Broken], once: bool, asked: int
) -> None:
    with pytest.raises(TransientError), aws_errors("the topic"):
        client("sns", once=once).publish(TopicArn="arn:aws:sns:us-east-1:0:t", Message="m")
    assert broken.asked == asked
