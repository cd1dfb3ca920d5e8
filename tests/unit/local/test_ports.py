"""Allocated ports stay free until their server binds them."""

import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra import ports
from infra.errors import InfraError
from infra.paths import ROOT

ALLOCATE = "from infra import ports; print(ports.free(), flush=True); input()"


def test_a_process_gets_each_port_once():
    allocated = [ports.free() for _ in range(5)]
    assert len(set(allocated)) == 5


def test_running_processes_get_different_ports():
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ALLOCATE],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    with ExitStack() as ending:
        for process in processes:
            ending.enter_context(process)
            ending.callback(process.kill)
        allocated = [int(process.stdout.readline()) for process in processes]
    assert len(set(allocated)) == 3


def test_a_port_in_use_is_not_allocated(monkeypatch):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        monkeypatch.setattr(ports, "PORT_RANGE", range(port, port + 1))
        with pytest.raises(InfraError, match=rf"every port from {port} to {port} is in use"):
            ports.free()


def test_allocated_ports_are_below_the_ephemeral_ports():
    setting = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(setting.read_text().split()[0]) if setting.exists() else 49152
    assert ports.PORT_RANGE[-1] < first
