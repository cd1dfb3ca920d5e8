"""Ports on loopback: whether one is in_use, who holds it, and which one is free."""

import fcntl
import os
import shutil
import socket
import subprocess
from contextlib import suppress

from infra.errors import InfraError
from infra.paths import cache

PORT_RANGE = range(20000, 22000)
"""Below those that Linux (32768) and macOS (49152) lend to connections going out, so that none of
them takes a port between its being found free and its server's start."""

_claims: list[int] = []
"""The locked files of the ports that this process was given: let go of when it ends."""


def in_use(port: int) -> bool:
    """Whether something accepts connections on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free() -> int:
    """A port that nothing holds, given to no other of this user's processes while this one lives.

    A program that is none of ours may still take it first. InfraError if there is none.
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
    """Whether this process got the port's lock, which two that look at once would both want."""
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
    """Who listens on the port, as ``name (pid 123)``; empty where that cannot be told."""
    if not shutil.which("lsof"):
        return ""
    command = ("lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc")
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    facts = {line[0]: line[1:] for line in listed.splitlines() if line}
    return f"{facts['c']} (pid {facts['p']})" if {"c", "p"} <= facts.keys() else ""
