"""Servers in the background, with real processes."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from infra import ports
from infra.errors import InfraError
from infra.processes import running, stop, wait_until

SLEEP = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
# the child does not notice that its parent ended, like a function in an endless loop
PARENT = f"""import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", {DEAF!r}])
open("server.pid", "w").write(str(os.getpid()))"""


def group_of(home: Path) -> int:
    return int((home / "pid").read_text())


def members(group: int) -> list[str]:
    """The states of a group's running processes, without zombies."""
    listed = subprocess.run(
        ("ps", "-eo", "pgid=,stat="), capture_output=True, text=True, check=True, timeout=60
    )
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [stat for pgid, stat in rows if int(pgid) == group and not stat.startswith("Z")]


def test_a_started_server_answers_until_it_is_stopped(create_server):
    server = create_server()

    assert server.start()
    assert server.answers()
    assert server.stop()

    assert not server.answers()
    assert members(group_of(server.home)) == []


def test_starting_a_running_server_changes_nothing(create_server):
    server = create_server()
    server.start()
    group = group_of(server.home)

    assert not server.start()

    assert group_of(server.home) == group


def test_stopping_a_server_that_is_not_running_is_not_an_error(create_server):
    assert not create_server().stop()


def test_a_port_in_use_is_refused_with_its_program_and_nothing_is_started(create_server):
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = create_server(port=other.getsockname()[1])

        with pytest.raises(InfraError, match=rf"port {server.port}.*taken by .*PORT=<number>"):
            server.start()

    assert not running(server.home)


def test_the_program_on_a_port_is_named_if_lsof_is_installed(tmp_path, monkeypatch):
    lsof = tmp_path / "lsof"
    lsof.write_text("#!/bin/sh\nprintf 'p4711\\ncpostgres\\nf7\\n'")
    lsof.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert ports.listener(5432) == "postgres (pid 4711)"

    monkeypatch.setenv("PATH", "/nowhere")
    assert ports.listener(5432) == ""


def test_a_server_that_ends_at_once_is_reported_with_the_end_of_its_log(create_server):
    server = create_server("raise SystemExit('no such model')")

    with pytest.raises(InfraError, match=r"the server ended; .*\n    no such model"):
        server.start()


def test_a_server_that_misses_its_deadline_is_reported_and_stopped(create_server):
    server = create_server(SLEEP, deadline=0.3)

    with pytest.raises(InfraError, match="did not answer within 0 s"):
        server.start()

    assert members(group_of(server.home)) == []


def test_a_server_that_ignores_sigterm_is_killed(create_server):
    server = create_server("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    server.start()

    assert stop(server.home, grace=0.2)

    assert members(group_of(server.home)) == []


def test_the_children_of_a_killed_server_are_killed_too(create_server):
    server = create_server(PARENT)
    server.start()
    group = group_of(server.home)
    assert len(members(group)) == 3  # the shell that watches, the server, its child

    os.kill(int((server.home / "server.pid").read_text()), signal.SIGKILL)

    assert wait_until(lambda: members(group) == [], 30)


def test_a_stale_pid_is_never_signalled(create_server):
    with subprocess.Popen(("sleep", "600"), start_new_session=True) as stranger:
        try:
            server = create_server()
            server.start()
            os.killpg(group_of(server.home), signal.SIGKILL)
            wait_until(lambda: not running(server.home), 30)
            (server.home / "pid").write_text(str(stranger.pid))

            assert not server.stop()

            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_killed_server_can_be_started_again(create_server):
    server = create_server()
    server.start()
    os.killpg(group_of(server.home), signal.SIGKILL)
    wait_until(lambda: not running(server.home), 30)

    assert server.start()

    assert server.answers()
