"""A real MiniStack process."""

import socket
import subprocess

import pytest

from infra import ports
from infra.clients import Clients
from infra.local.ministack import MiniStack

pytestmark = pytest.mark.slow


@pytest.fixture
def ministack(tmp_path):
    server = MiniStack(tmp_path / "home", ports.free())
    yield server
    server.stop()


def test_two_run_side_by_side_and_lose_their_data_when_they_stop(ministack, tmp_path):
    with MiniStack(tmp_path / "other", ports.free()) as other:
        ministack.start()
        s3, other_s3 = (
            Clients(server.endpoint, "us-east-1").client("s3") for server in (ministack, other)
        )
        s3.create_bucket(Bucket="mine")

        assert other_s3.list_buckets()["Buckets"] == []

    ministack.stop()
    ministack.start()
    assert s3.list_buckets()["Buckets"] == []


def test_it_listens_on_loopback_only(ministack):
    ministack.start()
    own = subprocess.run(
        ("hostname", "-I"), capture_output=True, text=True, check=True, timeout=60
    ).stdout
    outside = [address for address in own.split() if "." in address]

    for address in outside:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, ministack.port), timeout=5)


def test_it_leaves_no_temporary_files(ministack):
    ministack.start()
    (ministack.home / "tmp" / "ministack-lambda-left").mkdir()

    assert ministack.stop()

    assert not (ministack.home / "tmp").exists()
    assert not ministack.stop()
