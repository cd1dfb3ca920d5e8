"""Measure engines side by side: one process each, in turns over the same files, on one core.

The figure is CPU time, because a busy machine distorts it less than elapsed time. The engines take
turns, so that other load slows all of them.
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
class Usage:
    """``cpu``: seconds of one job; ``peak``: the process's peak memory since its start, bytes."""

    cpu: float
    peak: int


@dataclass(frozen=True)
class Engine:
    """A process that handles one file after another."""

    name: str
    process: subprocess.Popen[str]

    def work(self, original: Original, output: Path | None = None) -> Usage:
        """Create all renditions; with ``output``, write them to files with that prefix."""
        job = {
            "path": str(original.path),
            "form": original.form,
            "output": str(output) if output else None,
        }
        _stream(self.process.stdin).write(json.dumps(job) + "\n")
        _stream(self.process.stdin).flush()
        answer = _stream(self.process.stdout).readline()
        if not answer:
            raise ChildProcessError(f"{self.name} ended while it handled {original.name}")
        return Usage(**json.loads(answer))


def _stream(stream: IO[Any] | None) -> IO[str]:
    assert stream is not None
    return stream


Command = Sequence[str]


def python(engine: str) -> Command:
    return sys.executable, "-m", "tests.lab.bench.worker", engine


@contextmanager
def started(commands: Mapping[str, Command]) -> Iterator[list[Engine]]:
    """Start these engines on one core; stop them at the end of the block."""
    with ExitStack() as stack:
        with on_one_core():
            engines = [Engine(name, _start(command, stack)) for name, command in commands.items()]
        yield engines


@contextmanager
def started_anywhere(engines: Mapping[str, str]) -> Iterator[list[Engine]]:
    """Start Python engines that may use any core."""
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
    """Pin processes that start in the block to one core, so that threads give no advantage."""
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
    """Each engine's median CPU time in seconds, after one warm-up round."""
    taken: dict[str, list[float]] = {engine.name: [] for engine in engines}
    for n in range(rounds + 1):
        for engine in engines:
            usage = engine.work(original)
            if n:
                taken[engine.name].append(usage.cpu)
    return {name: median(times) for name, times in taken.items()}


def first_peak(name: str, command: Command, original: Original) -> int:
    """Peak memory of a new process after its first job, bytes."""
    with started({name: command}) as (engine,):
        return engine.work(original).peak
