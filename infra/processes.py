"""Run servers in the background: start them detached, detect them by a lock, stop their group.

A server inherits a locked file and holds the lock until it ends. So "is it running" never depends
on a process id, which may be stale or reused by another program.
"""

import fcntl
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import IO

from infra import ports
from infra.errors import InfraError

# The launching shell exits at once, so the server has no terminal and leaves no zombie. When the
# server ends, even by kill -9, its process group is killed: the emulator's functions too.
_DETACHED = 'echo $$ > "$0"; ( "$@"; kill -KILL 0 ) &'


@dataclass(frozen=True)
class Server:
    """A server on loopback, and how to start it.

    ``health`` is the path that answers 200 once it is ready, within ``deadline`` seconds. ``home``
    holds its lock, pid and log. It sees the variables of ``environment`` and no others.
    """

    name: str
    home: Path
    port: int
    command: tuple[str, ...]
    environment: Mapping[str, str]
    health: str
    deadline: float = 30.0

    def start(self) -> bool:
        """Start it and wait until it is ready; false if it was running already.

        InfraError if the port is in use, or if the server ends or misses its deadline; then it is
        stopped.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with _claimed(self.home) as lock:
            if lock:
                self._refuse_taken_port()
                self._spawn(lock)
        try:
            self._await_health()
        except BaseException:  # Ctrl-C as well as a missed deadline
            self.stop()
            raise
        return lock is not None

    def stop(self) -> bool:
        """Stop it and all processes that it started; false if it was not running."""
        return stop(self.home)

    def _refuse_taken_port(self) -> None:
        if not ports.in_use(self.port):
            return
        program = ports.listener(self.port) or "another program"
        raise InfraError(
            f"port {self.port}, which {self.name} needs, is taken by {program}: "
            "stop that, or choose another one with PORT=<number>"
        )

    def _spawn(self, lock: IO[bytes]) -> None:
        pid = self.home / "pid"
        pid.unlink(missing_ok=True)
        with (self.home / "log").open("wb") as log:
            subprocess.run(
                ("sh", "-c", _DETACHED, str(pid), *self.command),
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock.fileno(),),
                start_new_session=True,
                check=False,  # the shell may be killed with the group of a server that dies at once
            )

    def _await_health(self) -> None:
        # an answer alone is not enough: it may come from another program on the same port
        ready_or_ended = wait_until(lambda: self.answers() or not running(self.home), self.deadline)
        if ready_or_ended and running(self.home):
            return
        problem = "ended" if ready_or_ended else f"did not answer within {self.deadline:.0f} s"
        raise InfraError(f"{self.name} {problem}; {_log_tail(self.home / 'log')}")

    def answers(self) -> bool:
        return answers(self.port, self.health)


def answers(port: int, path: str) -> bool:
    """Whether a server on this port of loopback answers 200 for this path."""
    url = f"http://127.0.0.1:{port}{path}"
    with suppress(OSError, HTTPException), urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == HTTPStatus.OK)
    return False


def running(home: Path) -> bool:
    """Whether the server of this home is running."""
    with suppress(FileNotFoundError), (home / "lock").open("rb") as lock:
        return not _locked(lock)
    return False


def stop(home: Path, grace: float = 5.0) -> bool:
    """Stop the server of this home and all that it started; false if it was not running.

    It gets SIGTERM, and SIGKILL after ``grace`` seconds: MiniStack ignores SIGTERM while a
    stack operation hangs.
    """
    if not running(home):
        return False
    group = _group(home)
    _signal(group, signal.SIGTERM)
    wait_until(lambda: not running(home), grace)
    _signal(group, signal.SIGKILL)
    if not wait_until(lambda: not running(home), 10):
        raise InfraError(f"could not stop process group {group}: see {home / 'log'}")
    return True


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition becomes true within this time; it is checked at least once."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def _claimed(home: Path) -> Iterator[IO[bytes] | None]:
    """The locked file of the home, for the server to inherit; None if a server holds the lock."""
    with (home / "lock").open("ab") as lock:
        yield lock if _locked(lock) else None


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _group(home: Path) -> int:
    """The process group, which the launching shell writes right after it has inherited the lock."""
    pid = home / "pid"
    if not wait_until(lambda: pid.exists() and pid.read_text().strip() != "", 5):
        raise InfraError(f"a process holds {home / 'lock'} but wrote no pid: find it with lsof")
    return int(pid.read_text())


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _log_tail(log: Path, lines: int = 10) -> str:
    """The end of a log, as the rest of a sentence."""
    text = log.read_text(errors="replace") if log.exists() else ""
    tail = "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
    return f"last lines of {log}:\n{tail}" if tail else f"{log} is empty"
