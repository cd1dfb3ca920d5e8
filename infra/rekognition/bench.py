"""How fast and how large the server is, on one core: a table, or JSON."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.request import urlopen

from PIL import Image, ImageDraw, ImageFont

from infra.rekognition import titan_embed_image
from infra.rekognition.networks import Networks
from infra.rekognition.operations import ALL
from infra.rekognition.sources import Sources

MEGABYTE: Final = 1_000_000
PORTRAIT: Final = Path(__file__).with_name("samples") / "astronaut.jpg"

PAGE: Final = (800, 600)  # pixels
LINES: Final = 12
WORDS: Final = "the quick brown fox jumps over a lazy dog"


@dataclass(frozen=True)
class Case:
    """One call, as a user would make it."""

    name: str
    operation: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Measurement:
    """Milliseconds of the first call, which loads, and of the middle one of the others.

    Of that, so many were spent computing: on a machine that does other things too, the rest is
    waiting. Megabytes are the most that the process has had so far: all cases are run in one.
    """

    name: str
    first_ms: float
    median_ms: float
    computing_ms: float
    peak_mb: float


@dataclass(frozen=True)
class Report:
    """Seconds from the start of a server, weights in the cache, to its first answer; the cases."""

    ready_s: float
    cases: tuple[Measurement, ...]

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    def as_table(self) -> str:
        rows = [f"{'call':<36} {'first ms':>9} {'median ms':>10} {'computing':>10} {'peak MB':>8}"]
        rows += [
            f"{case.name:<36} {case.first_ms:>9.0f} {case.median_ms:>10.0f}"
            f" {case.computing_ms:>10.0f} {case.peak_mb:>8.0f}"
            for case in self.cases
        ]
        return "\n".join([*rows, f"ready from the cache in {self.ready_s:.1f} s"])


def bench(models: Path, rounds: int) -> Report:
    """Measure everything on one core and one thread. The weights must be there."""
    with _one_core():
        ready = _ready(models)
        networks, sources = Networks(models, threads=1), Sources()
        performers = {name: make(networks, sources) for name, make in ALL.items()}
        return Report(ready, tuple(_measure(case, performers, rounds) for case in _cases()))


def _cases() -> list[Case]:
    portrait = {"Bytes": PORTRAIT.read_bytes()}
    return [
        Case("DetectLabels", "DetectLabels", {"Image": portrait}),
        Case("DetectFaces, DEFAULT", "DetectFaces", {"Image": portrait}),
        Case("DetectFaces, ALL", "DetectFaces", {"Image": portrait, "Attributes": ["ALL"]}),
        Case("DetectText, no text", "DetectText", {"Image": portrait}),
        Case(f"DetectText, {LINES} lines", "DetectText", {"Image": {"Bytes": _page()}}),
        Case("DetectModerationLabels", "DetectModerationLabels", {"Image": portrait}),
        Case("CompareFaces", "CompareFaces", {"SourceImage": portrait, "TargetImage": portrait}),
        Case("InvokeModel", titan_embed_image.MODEL_ID, {"Image": portrait, "Length": 256}),
    ]


def _measure(case: Case, performers: Mapping[str, Any], rounds: int) -> Measurement:
    times: list[float] = []
    computing: list[float] = []
    for _ in range(rounds + 1):
        started, computed = time.perf_counter(), time.process_time()
        performers[case.operation](case.parameters)
        times.append(1000 * (time.perf_counter() - started))
        computing.append(1000 * (time.process_time() - computed))
    return Measurement(case.name, times[0], median(times[1:]), median(computing[1:]), _peak())


def _peak() -> float:
    """Megabytes; Linux counts in kibibytes, macOS in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEGABYTE


def _ready(models: Path) -> float:
    serve = [sys.executable, "-m", "infra.rekognition", "serve", "--port", "0"]
    started = time.perf_counter()
    command = [*serve, "--models", str(models)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            url = server.stderr.readline().split()[-1]
            with urlopen(f"{url}/health", timeout=60) as answer:  # noqa: S310 (our own server's URL)
                answer.read()
            return time.perf_counter() - started
        finally:
            server.kill()


@contextmanager
def _one_core() -> Iterator[None]:
    """Only Linux lets a process choose; elsewhere one thread has to do."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _page() -> bytes:
    page = Image.new("RGB", PAGE, "white")
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=28)
    for line in range(LINES):
        pen.text((40, 24 + 46 * line), f"{line + 1} {WORDS}", fill="black", font=font)
    file = BytesIO()
    page.save(file, "PNG")
    return file.getvalue()
