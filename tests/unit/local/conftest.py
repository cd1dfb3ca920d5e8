"""Servers that tests can start for real, and that never outlive their test."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra import ports, processes
from infra.processes import Server

SERVE = "import http.server as h, sys; h.test(h.SimpleHTTPRequestHandler, port=int(sys.argv[1]))"

Make = Callable[..., Server]


@dataclass
class Heard:
    """What was said to a person, a line each."""

    lines: list[str]

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def __str__(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def say() -> Heard:
    return Heard([])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Make]:
    """Makes servers that answer 200, once the Python statements given first are through."""
    homes = []

    def make(first: str = "", *, port: int | None = None, deadline: float = 30) -> Server:
        homes.append(home := tmp_path / f"server-{len(homes)}")
        port = port or ports.free()
        command = (sys.executable, "-c", f"{first}\n{SERVE}", str(port))
        return Server("the server", home, port, command, dict(os.environ), "/", deadline)

    yield make
    for home in homes:
        processes.stop(home, grace=0)
