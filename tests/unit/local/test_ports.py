"""Ports that are found free stay so until their server takes them."""

import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra import ports
from infra.errors import InfraError
from infra.paths import ROOT

ASK = "from infra import ports; print(ports.free(), flush=True); input()"


def test_no_port_is_given_twice_to_one_process():
    given = [ports.free() for _ in range(5)]
    assert len(set(given)) == 5


def test_no_port_is_given_to_two_processes_that_live():
    asked = [
        subprocess.Popen(
            [sys.executable, "-c", ASK],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    with ExitStack() as ending:
        for process in asked:
            ending.enter_context(process)
            ending.callback(process.kill)
        given = [int(process.stdout.readline()) for process in asked]
    assert len(set(given)) == 3


def test_a_port_that_a_program_holds_is_not_given(monkeypatch):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        monkeypatch.setattr(ports, "PORT_RANGE", range(port, port + 1))
        with pytest.raises(InfraError, match=rf"every port from {port} to {port} is taken"):
            ports.free()


def test_a_given_port_is_none_that_is_lent_to_connections_going_out():
    told = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(told.read_text().split()[0]) if told.exists() else 49152
    assert ports.PORT_RANGE[-1] < first
