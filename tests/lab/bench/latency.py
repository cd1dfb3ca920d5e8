"""Latency and throughput on MiniStack, beside the work on the pixels alone.

The emulator and the local Rekognition share the cores with the functions, unlike AWS. The peer is
the work on the pixels alone (renditions and the local Rekognition's operations), in plain processes
on all cores.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any

from infra import ports
from infra.clients import LOCAL_REGION, Clients
from infra.config.stages import Stage
from infra.deploy.deploy import deploy
from infra.deploy.outputs import Outputs
from infra.local.demo import completed_hops
from infra.local.ministack import MiniStack
from infra.local.recognizer import Recognizer
from infra.local.subscription import Subscription, subscribed
from infra.packaging.package import Target
from shared.contracts.notification import Notification
from shared.hops import TimelineHop
from tests.lab.bench import inputs
from tests.lab.bench.contest import Engine, started_anywhere
from tests.lab.bench.inputs import Original
from tests.lab.bench.row import Row, at_least, without_goal

AREA = "latency"
Say = Callable[[str], None]

BURST, SMALL_BURST = 200, 20
SINGLES, FEW_SINGLES = 20, 5
PIXEL_JOBS = 20
"""Images for each plain process."""

SHARE = 0.7
"""The goal: Darkroom's share of the images per second of plain processes."""

DEADLINE = 600.0
"""The longest wait for the notifications of a burst, s."""

CORES = os.cpu_count() or 1

FUNCTIONS = {
    "resize": {"batch": 1, "concurrency": CORES},
    "analyze": {"batch": 1, "concurrency": 2 * CORES},
    "store": {"batch": 10, "concurrency": 2},
    "notify": {"batch": 10, "concurrency": 2},
}
"""Settings for the cores of one machine, with one picture per batch.

As many functions resize as there are cores; twice as many wait for the local Rekognition. MiniStack
handles a batch in one process. AWS gives each batch its own processor, and the services' own
settings apply there.
"""


@dataclass(frozen=True)
class DeployedStage:
    """A deployed Darkroom, and a subscription to its notifications."""

    outputs: Outputs
    clients: Clients
    subscription: Subscription

    def upload(self, key: str, body: bytes) -> float:
        """Upload an original; return when S3 had stored it, in epoch seconds."""
        bucket = self.outputs.buckets["uploads"]
        self.clients.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return time.time()

    def notifications(self, count: int, say: Say) -> dict[str, tuple[Notification, float]]:
        """Receive so many notifications; each with its time of receipt, by the original's key."""
        received: dict[str, tuple[Notification, float]] = {}
        deadline, reported = time.monotonic() + DEADLINE, 0
        while len(received) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(received)} of {count} notifications received")
            for body in self.subscription.receive(5):
                notification = Notification.model_validate_json(body)
                if notification.failure:
                    raise AssertionError(f"{notification.source.key}: {notification.failure}")
                received[notification.source.key] = notification, time.time()
            if len(received) >= reported + count / 10:
                reported = len(received)
                say(f"{reported} of {count}")
        return received


def rows(progress: Say, quick: bool) -> Iterator[Row]:
    original = inputs.jpeg(12)
    progress("the pixels alone, in plain processes")
    rate, alone = _pixels_alone(original)
    with _deployed(progress) as stage:
        _warm(stage, original, progress)
        yield from _singles(stage, original, FEW_SINGLES if quick else SINGLES, alone, progress)
        ours = _burst(stage, original, SMALL_BURST if quick else BURST, progress)
    progress("the pixels alone, again")
    again, _ = _pixels_alone(original)  # before and after: other load may have changed
    yield at_least(
        SHARE,
        area=AREA,
        case=f"{SMALL_BURST if quick else BURST} images of 12 MP at once",
        ours=ours,
        peer=mean((rate, again)),
        peer_name=f"their pixels alone, {CORES} processes",
        unit="images/s",
    )


def _pixels_alone(original: Original) -> tuple[float, float]:
    """Images per second of one process per core, and the seconds of one image."""
    commands = {f"pixels {n}": "all_pictures" for n in range(CORES)}
    with started_anywhere(commands) as engines:
        for engine in engines:
            engine.work(original)  # loads the models
        alone = _seconds([engines[0]], original)
        together = _seconds(engines, original)
    return CORES * PIXEL_JOBS / together, alone / PIXEL_JOBS


def _seconds(engines: Sequence[Engine], original: Original) -> float:
    """Elapsed seconds until each engine has handled its images."""

    def work(engine: Engine) -> None:
        for _ in range(PIXEL_JOBS):
            engine.work(original)

    began = time.monotonic()
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(work, engines))
    return time.monotonic() - began


@contextmanager
def _deployed(say: Say) -> Iterator[DeployedStage]:
    with ExitStack() as running:
        home = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="darkroom-bench-")))
        emulator = running.enter_context(MiniStack(home / "emulator", ports.free(), auth=True))
        recognizer = running.enter_context(
            Recognizer(home / "rekognition", ports.free(), emulator.endpoint)
        )
        clients = Clients(emulator.endpoint, LOCAL_REGION)
        stage = replace(Stage.load("local"), functions=FUNCTIONS)
        say("deploying to MiniStack")
        target = Target.here(emulator.python)
        outputs = deploy(stage, clients, target, lambda _: None, recognizer.endpoint)
        subscription = running.enter_context(subscribed(outputs, clients))
        yield DeployedStage(outputs, clients, subscription)


def _warm(stage: DeployedStage, original: Original, say: Say) -> None:
    """Start all functions that run in parallel, and load the models."""
    say("starting the functions")
    functions = stage.clients.client("lambda")
    for service, settings in FUNCTIONS.items():
        call = {
            "FunctionName": stage.outputs.functions[service],
            "Payload": json.dumps({"Records": []}),
        }
        with ThreadPoolExecutor(settings["concurrency"]) as pool:
            list(pool.map(lambda call: functions.invoke(**call), [call] * settings["concurrency"]))
    _process(stage, original, "warm")


def _process(
    stage: DeployedStage, original: Original, name: str
) -> tuple[float, tuple[TimelineHop, ...]]:
    """Seconds from the end of the upload to the notification, and the image's hops."""
    key = f"{name}.jpg"
    uploaded = stage.upload(key, _unique_copy(original, name))
    notification, received = stage.notifications(1, lambda _: None)[key]
    return received - uploaded, completed_hops(notification, uploaded, stage.outputs, stage.clients)


def _took(hop: TimelineHop) -> float:
    """Seconds from the publication of the event to the completion of the hop."""
    assert hop.completed is not None
    return hop.completed - (hop.published or hop.began)


def _unique_copy(original: Original, name: str) -> bytes:
    """The same picture with a comment, so that no stored analysis is reused."""
    body, words = original.path.read_bytes(), name.encode()
    return body[:2] + b"\xff\xfe" + (len(words) + 2).to_bytes(2) + words + body[2:]


def _singles(
    stage: DeployedStage, original: Original, count: int, alone: float, say: Say
) -> Iterator[Row]:
    say(f"{count} images, one after the other")
    taken, hops = [], []
    for n in range(count):
        seconds, timeline = _process(stage, original, f"single-{n}")
        taken.append(seconds)
        hops.append(timeline)
    facts: Any = {"area": AREA, "peer": alone * 1000, "unit": "ms", "peer_name": "its pixels alone"}
    middle = median(taken) * 1000
    yield without_goal(case="one image, upload to notification, median", ours=middle, **facts)
    late = quantiles(taken, n=20)[-1] * 1000
    yield without_goal(case="one image, upload to notification, p95", ours=late, **facts)
    for hop in zip(*hops, strict=True):
        yield without_goal(
            area=AREA,
            case=f"of it: {hop[0].service} handles {hop[0].type}",
            ours=median(map(_took, hop)) * 1000,
            peer=middle,
            peer_name="upload to notification",
            unit="ms",
        )


def _burst(stage: DeployedStage, original: Original, count: int, say: Say) -> float:
    """Images per second, from the first upload to the last notification."""
    say(f"{count} images at once")
    bodies = {f"burst-{n}.jpg": _unique_copy(original, str(n)) for n in range(count)}
    began = time.time()
    with ThreadPoolExecutor(CORES) as pool:
        uploads = [pool.submit(stage.upload, key, body) for key, body in bodies.items()]
        received = stage.notifications(count, say)
    assert all(upload.result() for upload in uploads)
    return count / (max(time for _, time in received.values()) - began)
