"""Ports on loopback: whether one is taken, who holds it, and which one is free."""

import shutil
import socket
import subprocess


def taken(port: int) -> bool:
    """Whether something accepts connections on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free() -> int:
    """A port that nothing held a moment ago. Another program may still take it first."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def holder(port: int) -> str:
    """Who listens on the port, as ``name (pid 123)``; empty where that cannot be told."""
    if not shutil.which("lsof"):
        return ""
    command = ("lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc")
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    facts = {line[0]: line[1:] for line in listed.splitlines() if line}
    return f"{facts['c']} (pid {facts['p']})" if {"c", "p"} <= facts.keys() else ""
