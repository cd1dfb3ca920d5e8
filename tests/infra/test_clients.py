"""The endpoints and credentials of the clients."""

import pytest

from infra.clients import Clients, is_loopback
from infra.config.stages import Stage
from infra.errors import InfraError


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:4566", True),
        ("http://127.0.0.1:4566", True),
        ("http://[::1]:4566", True),
        ("http://localhost.localstack.cloud:4566", True),
        ("https://sqs.us-east-1.amazonaws.com", False),
        ("http://10.0.0.5:4566", False),
        ("http://localhost.example.com:4566", False),
        ("localhost:4566", False),
        ("", False),
    ],
)
def test_only_loopback_addresses_are_this_machine(url, here):
    assert is_loopback(url) is here


def test_an_endpoint_elsewhere_is_refused():
    with pytest.raises(InfraError, match="not on this machine"):
        Clients("https://s3.amazonaws.com", "us-east-1")


def test_a_remote_endpoint_in_the_environment_is_refused_for_a_local_stage(local, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.amazonaws.com")
    with pytest.raises(InfraError, match="not on this machine"):
        Clients.of(local, None)


def test_an_emulator_gets_the_test_credentials_and_not_the_users_profile(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "a-customers-production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    client = Clients("http://localhost:4600", "eu-west-1").client("sqs")
    credentials = client._request_signer._credentials
    assert (credentials.access_key, credentials.secret_key) == ("test", "test")
    assert credentials.token is None


def test_the_endpoint_given_wins_over_the_environments(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    client = Clients("http://localhost:4600", "eu-west-1").client("sqs")
    assert client.meta.endpoint_url == "http://localhost:4600"
    assert client.meta.region_name == "eu-west-1"


def test_a_stage_on_aws_does_not_end_on_an_emulator_by_accident(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    clients = Clients.of(Stage.load("dev"), None, "eu-west-1")
    assert clients.client("sqs").meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"


def test_a_stage_on_aws_needs_a_region(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InfraError, match="give --region"):
        Clients.of(Stage.load("dev"), None)


def test_a_client_is_made_once():
    clients = Clients("http://localhost:4600", "us-east-1")
    assert clients.client("s3") is clients.client("s3")
