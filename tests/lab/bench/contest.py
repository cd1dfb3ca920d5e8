"""Engines side by side: each in a process of its own, in turns over the same files, on one core.

What is counted is CPU time, of which a busy machine gives less, but no more than there is; and as
the engines take turns, what slows one slows all.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, Any

from tests.lab.bench.inputs import Original

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Did:
    """``cpu``: seconds; ``peak``: the most bytes that its process held since it was started."""

    cpu: float
    peak: int


@dataclass(frozen=True)
class Engine:
    """A process that works on one file after the other."""

    name: str
    process: subprocess.Popen[str]

    def work(self, original: Original, keep: Path | None = None) -> Did:
        """Make all renditions; ``keep`` is what the names begin with that they are written to."""
        asked = {
            "path": str(original.path),
            "form": original.form,
            "keep": str(keep) if keep else None,
        }
        _stream(self.process.stdin).write(json.dumps(asked) + "\n")
        _stream(self.process.stdin).flush()
        answer = _stream(self.process.stdout).readline()
        if not answer:
            raise ChildProcessError(f"{self.name} died over {original.name}")
        return Did(**json.loads(answer))


def _stream(stream: IO[Any] | None) -> IO[str]:
    assert stream is not None
    return stream


Command = Sequence[str]


def python(engine: str) -> Command:
    return sys.executable, "-m", "tests.lab.bench.worker", engine


@contextmanager
def started(commands: Mapping[str, Command]) -> Iterator[list[Engine]]:
    """These engines, on one core; they end with the block."""
    with ExitStack() as stack:
        with on_one_core():
            engines = [Engine(name, _start(command, stack)) for name, command in commands.items()]
        yield engines


@contextmanager
def started_anywhere(engines: Mapping[str, str]) -> Iterator[list[Engine]]:
    """Engines of ours, each on whatever core is free."""
    with ExitStack() as stack:
        yield [Engine(name, _start(python(engine), stack)) for name, engine in engines.items()]


def _start(command: Command, stack: ExitStack) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    stack.enter_context(process)
    stack.callback(process.kill)
    return process


@contextmanager
def on_one_core() -> Iterator[None]:
    """What is started in the block stays on one core: no engine gains by the threads it has."""
    if not hasattr(os, "sched_setaffinity"):  # macOS has none
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu(engines: Sequence[Engine], original: Original, rounds: int) -> dict[str, float]:
    """Each engine's median of CPU seconds, after one round that warms it up."""
    taken: dict[str, list[float]] = {engine.name: [] for engine in engines}
    for n in range(rounds + 1):
        for engine in engines:
            did = engine.work(original)
            if n:
                taken[engine.name].append(did.cpu)
    return {name: median(times) for name, times in taken.items()}


def first_peak(name: str, command: Command, original: Original) -> int:
    """Bytes that a fresh process held at most over its first job."""
    with started({name: command}) as (engine,):
        return engine.work(original).peak
