"""Locks: what every file in infra/requirements stands for, in exact versions and with hashes.

`make lock` writes infra/requirements/locked, and nothing is installed from anywhere else. A lock
names every file that the package index has of a version, so one lock serves Linux and macOS, x86-64
and ARM, and each Python from 3.11 on.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.config.definitions import definitions
from infra.environments import Environment
from infra.errors import InfraError
from infra.paths import ENVIRONMENTS, LOCKS, REQUIREMENTS

OLDEST_PYTHON = "3.11"

TOGETHER = {"rekognition": "dev"}
"""A file, and the one that it shares an environment with: their locks agree on versions."""

SAYS = "# Made by `make lock` of requirements with the digest "


@dataclass(frozen=True)
class Lock:
    """The lock of one file of requirements."""

    name: str
    closed: bool  # holds what it names and no more, because packaging installs with --no-deps

    @property
    def requirements(self) -> Path:
        return REQUIREMENTS / f"{self.name}.txt"

    @property
    def path(self) -> Path:
        return LOCKS / f"{self.name}.txt"

    @property
    def digest(self) -> str:
        """What the lock is of; comments do not count."""
        return hashlib.sha256("\n".join(_lines(self.requirements)).encode()).hexdigest()

    @property
    def current(self) -> bool:
        """Whether it was made of what the requirements say now."""
        return self.path.exists() and self.path.read_text().startswith(f"{SAYS}{self.digest}\n")

    def write(self, uv: Path, *, upgrade: bool) -> None:
        """Make it anew; versions that are locked already stay, unless `upgrade` wants the latest.

        InfraError in uv's words if requirements contradict each other or cannot be found.
        """
        options = ["--no-deps"] if self.closed else []
        options += ["--upgrade"] if upgrade else []
        if self.name in TOGETHER:
            options += ["--constraint", str(LOCKS / f"{TOGETHER[self.name]}.txt")]
        done = subprocess.run(
            (
                *(str(uv), "pip", "compile", "--quiet", "--universal", "--generate-hashes"),
                *("--python-version", OLDEST_PYTHON, "--no-header", "--no-annotate"),
                *("--no-emit-index-url", *options, "--output-file", str(self.path)),
                str(self.requirements),
            ),
            env=os.environ | {"UV_NO_CONFIG": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = " ".join(done.stderr.split())
            raise InfraError(f"{self.requirements} cannot be locked: {said}")
        self.path.write_text(f"{SAYS}{self.digest}\n{self.path.read_text()}")


def locks() -> Iterator[Lock]:
    """The lock of every file of requirements; one that constrains another comes before it."""
    carried = {name for definition in definitions() for name in definition.requires}
    names = sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))
    for name in sorted(names, key=TOGETHER.__contains__):
        yield Lock(name, closed=name in carried or name.rpartition("-")[0] in carried)


def main(words: Iterable[str] | None = None) -> int:
    """Write every lock; 0, or 1 after one line on stderr that says which could not be made."""
    parser = argparse.ArgumentParser(prog="python -m infra.lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the latest versions there are")
    arguments = parser.parse_args(None if words is None else list(words))
    try:
        _write_all(upgrade=arguments.upgrade)
    except InfraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _write_all(*, upgrade: bool) -> None:
    environment = Environment("uv", ENVIRONMENTS / "uv", (LOCKS / "uv.txt",))
    environment.ensure(print)
    for lock in locks():
        lock.write(environment.python.with_name("uv"), upgrade=upgrade)
        print(f"locked {lock.path}", flush=True)


def _lines(path: Path) -> Iterator[str]:
    """What a file of requirements says, with those that it takes in (``-r base.txt``)."""
    for line in path.read_text().splitlines():
        said = line.partition(" #")[0].strip()
        if said.startswith("-r "):
            yield from _lines(path.parent / said[3:])
        elif said and not said.startswith("#"):
            yield said


if __name__ == "__main__":
    sys.exit(main())
