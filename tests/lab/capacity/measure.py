"""Measure how long each hop of an image takes: the real services over MiniStack.

``python -m tests.lab.capacity.measure`` writes infra/planning/measured.json, which ``plan`` and
``cost`` read. The services' code runs in this process, one photo at a time. MiniStack and the local
Rekognition are separate processes, so the CPU time is that of the service and its boto3 calls.
"""

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter, time
from typing import Any

import boto3
from PIL import Image

from infra import ports
from infra.clients import LOCAL_REGION
from infra.config.definitions import ROOT
from infra.local.ministack import MiniStack
from infra.local.recognizer import Recognizer
from services.analyze.rekognition import Rekognition
from tests.lab.capacity.pipeline import Pipeline, create_resources, pipeline
from tests.pictures import photo

FILE = ROOT / "infra" / "planning" / "measured.json"
SIDES = 4032, 3024
"""Pixels: a phone's 12 MP."""
QUALITY = 90
WARM_UP = 2
"""Photos that do not count, while clients connect and modules load."""

Times = dict[str, list[float]]


def measured(images: int, home: Path, ministack: int, rekognition: int) -> dict[str, Any]:
    """Medians over so many photos, each uploaded twice: as new and as repeated content."""
    with ExitStack() as running:
        emulator = running.enter_context(MiniStack(home / "ministack", ministack, auth=False))
        local = running.enter_context(
            Recognizer(home / "rekognition", rekognition, emulator.endpoint)
        )
        endpoints = {"rekognition": local.endpoint}
        line = _line(lambda of: endpoints.get(of, emulator.endpoint))
        return _measured(line, images)


def _line(endpoint: Callable[[str], str]) -> Pipeline:
    @cache
    def client(of: str) -> Any:
        return boto3.client(
            of,
            endpoint_url=endpoint(of),
            region_name=LOCAL_REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    create_resources(client("s3"), client("dynamodb"), client("sns"))
    return pipeline(lambda _, of: client(of), Rekognition(client("rekognition"), "processed"), time)


def _measured(line: Pipeline, images: int) -> dict[str, Any]:
    cpu: Times = defaultdict(list)
    wall: Times = defaultdict(list)
    sizes = []
    picture = photo(*SIDES)
    for number in range(WARM_UP + images):
        original = _original(picture, number)
        counts = number >= WARM_UP
        for name, used, took in _hops(line, f"{number}.jpg", original):
            if counts:
                cpu[name].append(used)
                wall[name].append(took)
        if counts:
            sizes.append(len(original))
        sys.stderr.write(f"photo {number + 1} of {WARM_UP + images}\n")
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "by": f"python -m tests.lab.capacity.measure --images {images}",
        "machine": f"{platform.machine()}, Python {platform.python_version()}, "
        f"Pillow {version('pillow')}, boto3 {version('boto3')}",
        "megapixels": SIDES[0] * SIDES[1] / 1e6,
        "bytes": {
            "original": round(median(sizes)),
            "made": _bytes_created(line) // (2 * len(sizes) + 2 * WARM_UP),
        },
        "hops": {
            name: {"cpu_ms": _ms(cpu[name]), "wall_ms": _ms(wall[name])} for name in sorted(cpu)
        },
    }


def _hops(line: Pipeline, key: str, original: bytes) -> Iterator[tuple[str, float, float]]:
    """The hops of a new photo, and of its repetition the one that differs: reuse in ``analyze``."""
    for name, kind, run in line.hops(line.upload(key, original)):
        yield f"{name}/{kind}", *_timed(run)
    for name, kind, run in line.hops(line.upload(f"again-{key}", original)):
        times = _timed(run)
        if name == "analyze":
            yield f"{name}/{kind}/reused", *times


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds, children included, and elapsed seconds."""
    began, used = perf_counter(), _cpu()
    run()
    return _cpu() - used, perf_counter() - began


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _original(picture: Image.Image, number: int) -> bytes:
    """The photo with a unique mark, so that no two have the same content."""
    picture.putpixel((number, 0), (number % 256, 0, 255))
    picture.putpixel((0, 8 * number), (0, number % 256, 255))
    file = BytesIO()
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _bytes_created(line: Pipeline) -> int:
    """Bytes of all objects in the processed bucket."""
    pages = line.uploads.get_paginator("list_objects_v2").paginate(Bucket="processed")
    return sum(entry["Size"] for page in pages for entry in page.get("Contents", []))


def _ms(times: list[float]) -> float:
    return round(1000 * median(times), 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.capacity.measure", description=__doc__
    )
    parser.add_argument("--images", type=int, default=15, help="photos to measure; default: 15")
    parser.add_argument(
        "--port", type=int, default=0, help="of MiniStack; the next port is Rekognition's"
    )
    options = parser.parse_args()
    listening = (options.port, options.port + 1) if options.port else (ports.free(), ports.free())
    with tempfile.TemporaryDirectory() as home:
        result = measured(options.images, Path(home), *listening)
    FILE.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    sys.stdout.write(f"{FILE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    os.environ.pop("AWS_PROFILE", None)
    main()
