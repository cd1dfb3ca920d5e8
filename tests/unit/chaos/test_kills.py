"""A signal reaches exactly the process that holds a connection."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.lab.chaos import kills
from tests.lab.chaos.stages import EXITS

CALLER = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.recv(1)
"""
EX_SOFTWARE = 70

pytestmark = pytest.mark.skipif(not kills.SUPPORTED, reason="needs Linux's /proc")


@dataclass
class Caller:
    """A process that waits for an answer, in its own process group."""

    process: subprocess.Popen[bytes]
    port: int
    ours: int

    def end(self, number: signal.Signals, group: int) -> bool:
        return kills.end(number, group, self.port, self.ours)


@pytest.fixture
def caller() -> Iterator[Caller]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = server.getsockname()[1]
        command = (sys.executable, "-c", CALLER, str(ours))
        environment = os.environ | {"PYTHONPATH": str(EXITS)}
        server.settimeout(60)
        with subprocess.Popen(command, env=environment, start_new_session=True) as process:
            try:
                connection, (_host, port) = server.accept()
                with connection:
                    yield Caller(process, port, ours)
            finally:
                process.kill()


def test_the_process_behind_a_connection_is_killed(caller: Caller) -> None:
    assert caller.end(signal.SIGKILL, caller.process.pid)
    assert caller.process.wait(10) == -signal.SIGKILL


def test_the_process_behind_a_connection_exits_from_within(caller: Caller) -> None:
    assert caller.end(signal.SIGUSR1, caller.process.pid)
    assert caller.process.wait(10) == EX_SOFTWARE


def test_a_process_of_another_group_gets_no_signal(caller: Caller) -> None:
    assert not caller.end(signal.SIGKILL, os.getpgid(0))
    assert caller.process.poll() is None
