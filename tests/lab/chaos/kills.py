"""Signal the function process that holds a connection. Linux only: it reads /proc."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SUPPORTED = sys.platform == "linux"
PROC = Path("/proc")


def end(number: signal.Signals, group: int, client_port: int, our_port: int) -> bool:
    """Signal the process of this group that holds the connection; return whether there was one.

    ``client_port`` is the caller's port and ``our_port`` the port on this side.
    """
    socket = _socket(client_port, our_port)
    holders = list(_holders(socket, group)) if socket else []
    for process in holders:
        with suppress(ProcessLookupError):
            os.kill(process, number)
    return bool(holders)


def _socket(client_port: int, our_port: int) -> str:
    """The name in /proc/<pid>/fd of the client's socket; empty if it is closed."""
    local, remote = f":{client_port:04X}", f":{our_port:04X}"
    for line in (PROC / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(local) and fields[2].endswith(remote) and fields[9] != "0":
            return f"socket:[{fields[9]}]"
    return ""


def _holders(socket: str, group: int) -> Iterator[int]:
    for folder in PROC.iterdir():
        if folder.name.isdigit() and _in_group(folder, group) and _holds(folder, socket):
            yield int(folder.name)


def _in_group(folder: Path, group: int) -> bool:
    with suppress(ProcessLookupError):
        return os.getpgid(int(folder.name)) == group
    return False


def _holds(folder: Path, socket: str) -> bool:
    for descriptor in _entries(folder / "fd"):
        with suppress(OSError):  # closed meanwhile
            if descriptor.readlink().name == socket:
                return True
    return False


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):  # it ended meanwhile
        return list(folder.iterdir())
    return []
