"""Ports on loopback: check whether one is in use, name the program on it, allocate a free one."""

import fcntl
import os
import shutil
import socket
import subprocess
from contextlib import suppress

from infra.errors import InfraError
from infra.paths import cache

PORT_RANGE = range(20000, 22000)
"""Below the ephemeral ports of Linux (from 32768) and macOS (from 49152): otherwise an outgoing
connection could take a port between its allocation and the start of its server."""

_claims: list[int] = []
"""The locked files of the ports that this process allocated; released when it ends."""


def in_use(port: int) -> bool:
    """Whether something accepts connections on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free() -> int:
    """Allocate an unused port; no other process of this user gets it while this process runs.

    A program that does not use this function may still bind it first. InfraError if none is free.
    """
    for port in PORT_RANGE:
        if _bindable(port) and _claimed(port):
            return port
    raise InfraError(f"every port from {PORT_RANGE[0]} to {PORT_RANGE[-1]} is in use")


def _bindable(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def _claimed(port: int) -> bool:
    """Lock the port's file; false if another process holds it. Both may see the port unbound."""
    folder = cache() / "ports"
    folder.mkdir(parents=True, exist_ok=True)
    claim = os.open(folder / str(port), os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(claim)
        return False
    _claims.append(claim)
    return True


def listener(port: int) -> str:
    """The program that listens on the port, as ``name (pid 123)``; empty if it is unknown."""
    if not shutil.which("lsof"):
        return ""
    command = ("lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc")
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    fields = {line[0]: line[1:] for line in output.splitlines() if line}
    return f"{fields['c']} (pid {fields['p']})" if {"c", "p"} <= fields.keys() else ""
