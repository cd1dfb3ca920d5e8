"""The server and Rekognition's protocol, without any model."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit
from urllib.request import urlopen

import boto3
import pytest
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import ClientError

from infra.rekognition import __main__ as command
from infra.rekognition import models
from infra.rekognition.operations import build_services
from tests.unit.rekognition.conftest import connect, serving

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/rekognition/aws4_request, Signature=0"
HEADERS = {"X-Amz-Target": "RekognitionService.DetectLabels", "Authorization": SIGNED}
VALID = json.dumps({"Image": {"Bytes": "AAAA"}})


@pytest.fixture
def line(echo_url):
    connection = http.client.HTTPConnection(urlsplit(echo_url).netloc, timeout=60)
    yield connection
    connection.close()


def post(line, body, headers=HEADERS):
    line.request("POST", "/", body, headers)
    response = line.getresponse()
    return response.status, json.loads(response.read())


def test_the_health_check_returns_the_supported_operations(echo_url):
    with urlopen(f"{echo_url}/health", timeout=60) as response:
        assert json.load(response) == {"status": "ok", "operations": ["DetectLabels"]}


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("detect_faces", {"Image": {"Bytes": b"x"}}),
        ("detect_text", {"Image": {"Bytes": b"x"}}),
        ("detect_moderation_labels", {"Image": {"Bytes": b"x"}}),
        ("list_collections", {}),
    ],
)
def test_an_unsupported_operation_is_refused_and_the_error_names_the_supported_ones(
    echo_url, operation, parameters
):
    with pytest.raises(
        ClientError, match="not supported by this local Rekognition; it supports DetectLabels"
    ) as caught:
        getattr(connect(echo_url), operation)(**parameters)

    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


def test_a_request_without_a_signature_is_not_recognized(echo_url):
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    unsigned = boto3.client("rekognition", "us-east-1", endpoint_url=echo_url, config=config)

    with pytest.raises(ClientError, match="not signed") as caught:
        unsigned.detect_labels(Image={"Bytes": b"x"})

    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"


@pytest.mark.parametrize(
    "body", ["", "{", "\xff", '{"MinConfidence": NaN}', '{"Image": {"Bytes": "not base64!"}}']
)
def test_a_body_that_is_not_json_is_refused(line, body):
    status, answer = post(line, body.encode("latin-1"))

    assert (status, answer["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        '{"Image": []}',
        '{"Image": {"Bytes": 7}}',
        '{"Image": {"Bytes": "AAAA"}, "MaxLabels": -1}',
        '{"Image": {"Bytes": "AAAA"}, "MaxLabels": "10"}',
        '{"Image": {"Bytes": "AAAA"}, "MinConfidence": -0.5}',
        '{"Image": {"Bytes": "AAAA"}, "MinConfidence": "high"}',
    ],
)
def test_parameters_of_the_wrong_type_or_range_are_refused(line, body):
    status, answer = post(line, body)

    assert (status, answer["__type"]) == (400, "InvalidParameterException")


def test_a_connection_serves_many_requests_also_after_an_error(line):
    responses = [post(line, VALID)]
    connection = line.sock
    responses += [post(line, "{"), post(line, VALID)]

    assert [status for status, _ in responses] == [200, 400, 200]
    assert line.sock is connection


def test_a_body_without_a_length_is_refused(echo_url):
    """One write sends the request, because the server closes the connection after the headers."""
    address = urlsplit(echo_url)
    with socket.create_connection((address.hostname, address.port), 60) as line:
        line.sendall(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        with http.client.HTTPResponse(line) as response:
            response.begin()
            answer = json.loads(response.read())

    assert (response.status, answer["__type"]) == (400, "SerializationException")


def test_a_body_that_is_too_long_is_discarded_and_refused(line):
    status, answer = post(line, b" " * (8 * 1024 * 1024))

    assert (status, answer["__type"]) == (400, "ImageTooLargeException")


def test_the_server_survives_a_client_that_disconnects_during_a_request(echo_url, line):
    address = urlsplit(echo_url)
    with socket.create_connection((address.hostname, address.port), 60) as partial:
        partial.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")

    assert post(line, VALID)[0] == 200


def test_a_bug_is_an_internal_server_error_and_is_logged(caplog):
    def broken(parameters):
        raise ZeroDivisionError

    with serving(build_services({"DetectLabels": broken})) as url:
        client = connect(url)
        with pytest.raises(client.exceptions.InternalServerError, match="its log says why"):
            client.detect_labels(Image={"Bytes": b"x"})

    assert "ZeroDivisionError" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_server_logs_its_address_and_stops_on_either_signal(tmp_path, stop, background):
    """In the background of a script, too: what a shell starts there inherits SIGINT ignored."""
    serve = (sys.executable, "-m", "infra.rekognition", "serve", "--port", "0")
    command = (*serve, "--fixtures", str(tmp_path))  # recorded answers need no weights
    ignoring = ("sh", "-c", 'trap "" INT; exec "$@"', "sh") if background else ()
    with subprocess.Popen((*ignoring, *command), stderr=subprocess.PIPE, text=True) as server:
        try:
            url = server.stderr.readline().split()[-1]
            with urlopen(f"{url}/health", timeout=60) as response:
                assert response.status == 200
            server.send_signal(stop)
            _, output = server.communicate(timeout=60)
        finally:
            server.kill()

    assert (server.returncode, output) == (0, "stopped\n")


def test_a_port_in_use_is_reported_in_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(models, "ensure", lambda directory, say: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status = command.main(["serve", "--port", str(port), "--models", str(tmp_path)])

    assert status == 1
    message = f"127.0.0.1:{port} is used by another process; choose another port with --port\n"
    assert capsys.readouterr().err == message
