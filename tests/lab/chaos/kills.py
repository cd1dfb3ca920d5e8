"""Ending the very function process that stands behind a connection. Linux only: it needs /proc."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OFFERED = sys.platform == "linux"
PROC = Path("/proc")


def end(number: signal.Signals, group: int, client_port: int, our_port: int) -> bool:
    """Signal whoever of this process group holds the connection; false if nobody does (any more).

    ``client_port`` is the caller's end of the connection and ``our_port`` the other one.
    """
    socket = _socket(client_port, our_port)
    holders = list(_holders(socket, group)) if socket else []
    for process in holders:
        with suppress(ProcessLookupError):
            os.kill(process, number)
    return bool(holders)


def _socket(client_port: int, our_port: int) -> str:
    """What /proc/<pid>/fd calls the client's end of the connection; empty if it is closed."""
    local, remote = f":{client_port:04X}", f":{our_port:04X}"
    for line in (PROC / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(local) and fields[2].endswith(remote) and fields[9] != "0":
            return f"socket:[{fields[9]}]"
    return ""


def _holders(socket: str, group: int) -> Iterator[int]:
    for folder in PROC.iterdir():
        if folder.name.isdigit() and _is_of(folder, group) and _holds(folder, socket):
            yield int(folder.name)


def _is_of(folder: Path, group: int) -> bool:
    with suppress(ProcessLookupError):
        return os.getpgid(int(folder.name)) == group
    return False


def _holds(folder: Path, socket: str) -> bool:
    for descriptor in _listed(folder / "fd"):
        with suppress(OSError):  # closed meanwhile
            if descriptor.readlink().name == socket:
                return True
    return False


def _listed(folder: Path) -> list[Path]:
    with suppress(OSError):  # it ended meanwhile
        return list(folder.iterdir())
    return []
