"""The two scenarios: images under faults, and many uploads in batches that are too large."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Event, Thread

from infra.config.stages import Stage
from infra.local.subscription import Subscription, subscribed
from infra.terminal import Say
from tests.lab.chaos import checks, kills, stages
from tests.lab.chaos.checks import Check, Figure
from tests.lab.chaos.evidence import DeployedStage, Evidence, Received
from tests.lab.chaos.faults import Draw, Drawn, delayed
from tests.lab.chaos.load import upload
from tests.lab.chaos.poller import Poller
from tests.lab.chaos.recorder import Recorder
from tests.lab.chaos.repeater import Repeater
from tests.lab.chaos.report import Result
from tests.lab.chaos.rig import Rig

STUCK = 240.0
"""s without any change after which waiting ends. No message waits for half as long by design."""
PACE = 1.0
"""s between two reads of the queues."""
PROGRESS_EVERY = 5
"""Reads between two lines of progress."""
IDLE_READS = 3
"""Consecutive reads with empty queues after which the stage is idle."""
LARGEST = 1000
"""Longest side of a picture under faults, px: 1 MP."""
SMALL = 320
"""Longest side of a picture in the overload scenario, px, where only messages matter."""
TIMELINES = 3
"""Images whose timeline is printed, for each scenario."""
IMAGE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Scenario:
    """A stage, its uploads, the faults, and the checks that must still hold."""

    name: str
    stage: Stage
    images: int
    largest: int
    """The longest side of a picture, px."""
    draw: Draw
    checks: tuple[Check, ...]
    repeats: float = 0.0
    """The share of all messages that is sent again, 0-1."""
    seed: int = 1
    polled: bool = False
    """Whether a poller invokes the functions, after the last upload."""


def under_faults(proxy: str, images: int, rate: float, seed: int) -> Scenario:
    """Upload images while ``rate`` of all calls get a fault and ``rate`` of all messages repeat.

    Where processes cannot be found by their connection, none is killed.
    """
    stage = stages.chaos(proxy)
    max_attempts = min(service.max_attempts for service in stages.queued(stage))
    return Scenario(
        name=f"{images} images, faults in {rate:.0%} of all calls",
        stage=stage,
        images=images,
        largest=LARGEST,
        draw=Drawn(rate, seed, deadly=kills.SUPPORTED),
        checks=(*checks.UNDER_FAULTS, checks.dead_letters_used_all_attempts(max_attempts)),
        repeats=rate,
        seed=seed,
    )


def overloaded(proxy: str, uploads: int) -> Scenario:
    """Upload many images at once, into batches of 50 with time for about five. No faults."""
    return Scenario(
        name=f"{uploads} uploads at once, in batches too large",
        stage=stages.overloaded(proxy),
        images=uploads,
        largest=SMALL,
        draw=delayed(stages.WORK),
        checks=checks.OVERLOADED,
        polled=True,
    )


def run(scenario: Scenario, rig: Rig, say: Say) -> Result:
    """Deploy, upload, wait until the stage is idle, and run the checks."""
    say(f"{scenario.name}: deploying")
    stage = DeployedStage(rig.deploy(scenario.stage, lambda _line: None), rig.clients)
    recorder = rig.proxy.recorder = Recorder()
    sqs = rig.clients.client("sqs")
    repeater = Repeater(stage.outputs, sqs, scenario.repeats, scenario.seed)
    polling = _poller(scenario, stage, rig) if scenario.polled else nullcontext()
    timeouts, began = rig.timeouts(), time.monotonic()
    with (
        subscribed(stage.outputs, rig.clients) as subscription,
        Listener(subscription).listening() as listener,
        repeater.repeating_events(recorder),
        rig.injecting(scenario.draw),
    ):
        uploads = upload(stage.outputs, rig.clients, scenario.images, scenario.largest)
        repeater.uploads(uploads)
        with polling:
            _wait_until_idle(scenario.images, stage, listener, recorder, say)
    seconds = time.monotonic() - began
    rig.proxy.raise_for_errors()
    images, timeouts = {upload.image for upload in uploads}, rig.timeouts() - timeouts
    evidence = collect(stage, listener, recorder, images, timeouts)
    figures = checks.run_checks(evidence, scenario.checks)
    counts = dict(_counts(evidence, recorder, repeater))
    return Result(scenario.name, figures, counts, seconds, _timelines(figures, stage))


def _poller(scenario: Scenario, stage: DeployedStage, rig: Rig) -> AbstractContextManager[None]:
    """A poller in place of the emulator's event sources."""
    rig.disable_event_sources(stage.outputs)
    return Poller(stages.queued(scenario.stage), stage.outputs, rig.clients).feeding()


@dataclass
class Listener:
    """Receives all notifications in a thread."""

    subscription: Subscription
    received: list[Received] = field(default_factory=list)
    _stop: Event = field(default_factory=Event)

    @contextmanager
    def listening(self) -> Iterator["Listener"]:
        """Receive while the block runs, and then until no notification is left."""
        thread = Thread(target=self._listen, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(60)

    def _listen(self) -> None:
        while (bodies := self.subscription.receive(1)) or not self._stop.is_set():
            self.received += map(Received.parse, bodies)


def _wait_until_idle(
    images: int, stage: DeployedStage, listener: Listener, recorder: Recorder, say: Say
) -> None:
    """Wait until every queue stays empty, or until nothing has changed for ``STUCK`` seconds."""
    idle, reads, before, changed = 0, 0, (0, 0), time.monotonic()
    while idle < IDLE_READS and time.monotonic() < changed + STUCK:
        waiting, notified = stage.waiting(), len({n.image for n in listener.received})
        if (waiting, notified) != before:
            before, changed = (waiting, notified), time.monotonic()
        idle = 0 if waiting else idle + 1
        if reads % PROGRESS_EVERY == 0:
            faults = f", {recorder.faults.total():,} faults" if recorder.faults else ""
            say(f"  notifications for {notified} of {images} images, {waiting} messages{faults}")
        reads += 1
        time.sleep(PACE)


def collect(
    stage: DeployedStage,
    listener: Listener,
    recorder: Recorder,
    images: set[str],
    timeouts: int,
) -> Evidence:
    """Read everything that the checks need, once the stage is idle."""
    objects, ledger = frozenset(stage.objects()), stage.ledger()
    return Evidence(
        images=frozenset(images),
        notifications=tuple(listener.received),
        records=stage.records(),
        ledger=ledger,
        dead_letters=tuple(stage.dead_letters(objects, ledger)),
        objects=objects,
        orphans=stage.orphans(),
        waiting=stage.waiting(),
        sent=recorder.notifications.counts(),
        paid_calls=recorder.paid_calls.counts(),
        writes=dict(recorder.writes),
        returned_messages=recorder.returned_messages,
        timeouts=timeouts,
    )


def _counts(evidence: Evidence, recorder: Recorder, repeater: Repeater) -> Counter[str]:
    """Counts that no check reads, for the report."""
    counts = Counter({"calls": recorder.calls.total(), "messages sent again": repeater.sent})
    counts["timeouts"] = evidence.timeouts
    counts["dead letters"] = len(evidence.dead_letters)
    counts.update({f"fault: {kind}": times for kind, times in recorder.faults.items()})
    counts.update(f"window (a): {cause}" for cause in recorder.paid_calls.interruptions())
    counts.update(f"window (b): {cause}" for cause in recorder.notifications.interruptions())
    for record in evidence.records.values():
        failure = record.current.failure
        counts[f"{failure.stage} {failure.reason}" if failure else "completed"] += 1
    return counts


def _timelines(figures: list[Figure], stage: DeployedStage) -> dict[str, list[str]]:
    """The timelines of the first images that failed a check."""
    names = [name for figure in figures if not figure.met for name in figure.violations]
    images = dict.fromkeys(match[0] for name in names if (match := IMAGE.search(name)))
    return {image: list(stage.timeline(image)) for image in list(images)[:TIMELINES]}
