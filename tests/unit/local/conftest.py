"""Real servers for tests, stopped at the end of each test."""

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
class Progress:
    """Records the lines that a command reports."""

    lines: list[str]

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def __str__(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def say() -> Progress:
    return Progress([])


@pytest.fixture
def create_server(tmp_path: Path) -> Iterator[Make]:
    """Creates servers that run the statements of `first` and then answer 200."""
    homes = []

    def make(first: str = "", *, port: int | None = None, deadline: float = 30) -> Server:
        homes.append(home := tmp_path / f"server-{len(homes)}")
        port = port or ports.free()
        command = (sys.executable, "-c", f"{first}\n{SERVE}", str(port))
        return Server("the server", home, port, command, dict(os.environ), "/", deadline)

    yield make
    for home in homes:
        processes.stop(home, grace=0)
