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
# the child does not notice its parent's end, as a function in an endless loop does not
PARENT = f"""import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", {DEAF!r}])
open("server.pid", "w").write(str(os.getpid()))"""


def group_of(home: Path) -> int:
    return int((home / "pid").read_text())


def members(group: int) -> list[str]:
    """The living processes of a group; zombies await their parent and run no more."""
    listed = subprocess.run(
        ("ps", "-eo", "pgid=,stat="), capture_output=True, text=True, check=True, timeout=60
    )
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [stat for pgid, stat in rows if int(pgid) == group and not stat.startswith("Z")]


def test_a_started_server_answers_until_it_is_stopped(server):
    it = server()

    assert it.start()
    assert it.answers()
    assert it.stop()

    assert not it.answers()
    assert members(group_of(it.home)) == []


def test_starting_a_running_server_changes_nothing(server):
    it = server()
    it.start()
    group = group_of(it.home)

    assert not it.start()

    assert group_of(it.home) == group


def test_stopping_what_does_not_run_is_no_error(server):
    assert not server().stop()


def test_a_taken_port_is_refused_by_name_and_nothing_is_started(server):
    with socket.create_server(("127.0.0.1", 0)) as other:
        it = server(port=other.getsockname()[1])

        with pytest.raises(InfraError, match=rf"port {it.port}.*taken by .*PORT=<number>"):
            it.start()

    assert not running(it.home)


def test_who_holds_a_port_is_told_where_lsof_is_installed(tmp_path, monkeypatch):
    lsof = tmp_path / "lsof"
    lsof.write_text("#!/bin/sh\nprintf 'p4711\\ncpostgres\\nf7\\n'")
    lsof.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert ports.listener(5432) == "postgres (pid 4711)"

    monkeypatch.setenv("PATH", "/nowhere")
    assert ports.listener(5432) == ""


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(server):
    it = server("raise SystemExit('no such model')")

    with pytest.raises(InfraError, match=r"the server ended; .*\n    no such model"):
        it.start()


def test_a_silent_server_is_reported_at_its_deadline_and_stopped(server):
    it = server(SLEEP, deadline=0.3)

    with pytest.raises(InfraError, match="did not answer within 0 s"):
        it.start()

    assert members(group_of(it.home)) == []


def test_a_server_that_ignores_being_asked_is_killed(server):
    it = server("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    it.start()

    assert stop(it.home, grace=0.2)

    assert members(group_of(it.home)) == []


def test_a_killed_server_takes_its_children_along(server):
    it = server(PARENT)
    it.start()
    group = group_of(it.home)
    assert len(members(group)) == 3  # the shell that watches, the server, its child

    os.kill(int((it.home / "server.pid").read_text()), signal.SIGKILL)

    assert wait_until(lambda: members(group) == [], 30)


def test_a_stale_pid_is_never_signalled(server):
    with subprocess.Popen(("sleep", "600"), start_new_session=True) as stranger:
        try:
            it = server()
            it.start()
            os.killpg(group_of(it.home), signal.SIGKILL)
            wait_until(lambda: not running(it.home), 30)
            (it.home / "pid").write_text(str(stranger.pid))

            assert not it.stop()

            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_killed_server_can_be_started_again(server):
    it = server()
    it.start()
    os.killpg(group_of(it.home), signal.SIGKILL)
    wait_until(lambda: not running(it.home), 30)

    assert it.start()

    assert it.answers()
