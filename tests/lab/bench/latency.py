"""How long an image takes on MiniStack, and how many a second, beside the work on its pixels alone.

The emulator and the local Rekognition run on the same cores as the functions, so that the machine
has two things to do where AWS has one. What is compared is what the pixels cost on all cores, in
bare processes, with nothing around them: renditions, and the local Rekognition's answers.
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
from tests.lab.bench.row import Row, at_least, known

AREA = "latency"
Say = Callable[[str], None]

CROWD, SMALL_CROWD = 200, 20
SINGLES, FEW_SINGLES = 20, 5
BARE = 20
"""Images that each bare process works on."""

SHARE = 0.7
"""Of the images a second that bare processes make, so many Darkroom has to."""

PATIENCE = 600.0
"""s that a crowd may take; decides only when to stop waiting."""

CORES = os.cpu_count() or 1

FUNCTIONS = {
    "resize": {"batch": 1, "concurrency": CORES},
    "analyze": {"batch": 1, "concurrency": 2 * CORES},
    "store": {"batch": 10, "concurrency": 2},
    "notify": {"batch": 10, "concurrency": 2},
}
"""What uses the cores of one machine: as many at work on pixels as there are cores, and twice as
many waiting for the local Rekognition, one picture a batch, since MiniStack works through a batch
in one process. AWS gives each batch a processor of its own; there the services' own numbers hold.
"""


@dataclass(frozen=True)
class Place:
    """A deployed Darkroom, and what its subscribers hear."""

    outputs: Outputs
    clients: Clients
    subscription: Subscription

    def upload(self, key: str, body: bytes) -> float:
        """Put it there; the moment at which S3 had it, in epoch seconds."""
        bucket = self.outputs.buckets["uploads"]
        self.clients.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return time.time()

    def hear(self, count: int, say: Say) -> dict[str, tuple[Notification, float]]:
        """So many notifications by the keys they tell of, and when each was heard."""
        heard: dict[str, tuple[Notification, float]] = {}
        until, told_of = time.monotonic() + PATIENCE, 0
        while len(heard) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"heard of {len(heard)} of {count} images")
            for body in self.subscription.receive(5):
                told = Notification.model_validate_json(body)
                if told.failure:
                    raise AssertionError(f"{told.source.key}: {told.failure}")
                heard[told.source.key] = told, time.time()
            if len(heard) >= told_of + count / 10:
                told_of = len(heard)
                say(f"{told_of} of {count}")
        return heard


def rows(progress: Say, quick: bool) -> Iterator[Row]:
    original = inputs.jpeg(12)
    progress("the pixels alone, in bare processes")
    rate, alone = _bare(original)
    with _deployed(progress) as place:
        _warm(place, original, progress)
        yield from _singles(place, original, FEW_SINGLES if quick else SINGLES, alone, progress)
        ours = _crowd(place, original, SMALL_CROWD if quick else CROWD, progress)
    progress("the pixels alone, once more")
    again, _ = _bare(original)  # before and behind: others may have come or gone meanwhile
    yield at_least(
        SHARE,
        area=AREA,
        case=f"{SMALL_CROWD if quick else CROWD} images of 12 MP at once",
        ours=ours,
        peer=mean((rate, again)),
        peer_name=f"their pixels alone, {CORES} bare processes",
        unit="images/s",
    )


def _bare(original: Original) -> tuple[float, float]:
    """Images a second of as many processes as there are cores, and the seconds of one image."""
    commands = {f"bare {n}": "all_pictures" for n in range(CORES)}
    with started_anywhere(commands) as engines:
        for engine in engines:
            engine.work(original)  # loads the models
        alone = _seconds([engines[0]], original)
        together = _seconds(engines, original)
    return CORES * BARE / together, alone / BARE


def _seconds(engines: Sequence[Engine], original: Original) -> float:
    """By the clock, until each of these has done its images."""

    def work(engine: Engine) -> None:
        for _ in range(BARE):
            engine.work(original)

    began = time.monotonic()
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(work, engines))
    return time.monotonic() - began


@contextmanager
def _deployed(say: Say) -> Iterator[Place]:
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
        yield Place(outputs, clients, subscription)


def _warm(place: Place, original: Original, say: Say) -> None:
    """Start all functions that may run at once, and load the models."""
    say("starting the functions")
    functions = place.clients.client("lambda")
    for service, settings in FUNCTIONS.items():
        call = {
            "FunctionName": place.outputs.functions[service],
            "Payload": json.dumps({"Records": []}),
        }
        with ThreadPoolExecutor(settings["concurrency"]) as pool:
            list(pool.map(lambda call: functions.invoke(**call), [call] * settings["concurrency"]))
    _through(place, original, "warm")


def _through(place: Place, original: Original, name: str) -> tuple[float, tuple[TimelineHop, ...]]:
    """Seconds from the end of the upload to the notification, and the hops."""
    key = f"{name}.jpg"
    uploaded = place.upload(key, _like_no_other(original, name))
    told, heard = place.hear(1, lambda _: None)[key]
    return heard - uploaded, completed_hops(told, uploaded, place.outputs, place.clients)


def _took(hop: TimelineHop) -> float:
    """Seconds from the announcement to the answer; of ``store`` from what it heard last."""
    assert hop.completed is not None
    return hop.completed - (hop.published or hop.began)


def _like_no_other(original: Original, name: str) -> bytes:
    """The same picture with a comment: what was analysed already would not be analysed again."""
    body, words = original.path.read_bytes(), name.encode()
    return body[:2] + b"\xff\xfe" + (len(words) + 2).to_bytes(2) + words + body[2:]


def _singles(place: Place, original: Original, count: int, alone: float, say: Say) -> Iterator[Row]:
    say(f"{count} images, one after the other")
    taken, hops = [], []
    for n in range(count):
        seconds, went = _through(place, original, f"single-{n}")
        taken.append(seconds)
        hops.append(went)
    facts: Any = {"area": AREA, "peer": alone * 1000, "unit": "ms", "peer_name": "its pixels alone"}
    middle = median(taken) * 1000
    yield known(case="one image, uploaded to told, median", ours=middle, **facts)
    late = quantiles(taken, n=20)[-1] * 1000
    yield known(case="one image, uploaded to told, p95", ours=late, **facts)
    for nth in zip(*hops, strict=True):
        yield known(
            area=AREA,
            case=f"of it: {nth[0].service} answers {nth[0].type}",
            ours=median(map(_took, nth)) * 1000,
            peer=middle,
            peer_name="uploaded to told",
            unit="ms",
        )


def _crowd(place: Place, original: Original, count: int, say: Say) -> float:
    """Images a second, from the first upload to the last notification."""
    say(f"{count} images at once")
    bodies = {f"crowd-{n}.jpg": _like_no_other(original, str(n)) for n in range(count)}
    began = time.time()
    with ThreadPoolExecutor(CORES) as pool:
        uploads = [pool.submit(place.upload, key, body) for key, body in bodies.items()]
        heard = place.hear(count, say)
    assert all(upload.result() for upload in uploads)
    return count / (max(when for _, when in heard.values()) - began)
