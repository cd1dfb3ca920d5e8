"""The two runs: images under faults, and a crowd of uploads in batches that cannot hold them."""

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
from tests.lab.chaos import judge, kills, stages
from tests.lab.chaos.bench import Bench
from tests.lab.chaos.evidence import Evidence, Heard, Place
from tests.lab.chaos.faults import Draw, Drawn, delayed
from tests.lab.chaos.judge import Figure, Promise
from tests.lab.chaos.load import upload
from tests.lab.chaos.poller import Poller
from tests.lab.chaos.repeater import Repeater
from tests.lab.chaos.report import Part
from tests.lab.chaos.witness import Witness

STUCK = 240.0
"""s without any change after which waiting ends: no message waits for half as long by design."""
PACE = 1.0
"""s between two looks at the queues."""
TELL = 5
"""Looks between two lines of progress."""
QUIET = 3
"""Looks in a row that find every queue empty: then nothing moves any more."""
LARGEST = 1000
"""px. Pictures of the run under faults are at most this wide and high: 1 MP."""
SMALL = 320
"""px. The crowd is about messages; its pictures only have to be pictures."""
EXPLAINED = 3
"""Images whose timeline is shown, for each run."""
IMAGE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Trial:
    """What is uploaded where, what goes wrong meanwhile, and what is promised all the same."""

    name: str
    stage: Stage
    images: int
    largest: int
    """px; of the pictures."""
    draw: Draw
    promises: tuple[Promise, ...]
    repeats: float = 0.0
    """The share of all messages that is sent again."""
    seed: int = 1
    polled: bool = False
    """Whether we feed the functions, and not before all is uploaded."""


def under_faults(proxy: str, images: int, rate: float, seed: int) -> Trial:
    """So many images while ``rate`` of all calls go wrong, and ``rate`` of all messages come again.

    Where processes cannot be found by their connections, none is killed.
    """
    stage = stages.chaos(proxy)
    budget = min(service.attempts for service in stages.queued(stage))
    explained = judge.dead_letters_are_explained(budget)
    return Trial(
        name=f"{images} images, {rate:.0%} of all calls go wrong",
        stage=stage,
        images=images,
        largest=LARGEST,
        draw=Drawn(rate, seed, deadly=kills.OFFERED),
        promises=(*judge.UNDER_FAULTS, explained),
        repeats=rate,
        seed=seed,
    )


def in_a_crowd(proxy: str, uploads: int) -> Trial:
    """So many uploads at once, in batches of 50 with time for about five. Nothing else is wrong."""
    return Trial(
        name=f"{uploads} uploads at once, in batches too large",
        stage=stages.crowd(proxy),
        images=uploads,
        largest=SMALL,
        draw=delayed(stages.WORK),
        promises=judge.IN_A_CROWD,
        polled=True,
    )


def run(trial: Trial, bench: Bench, say: Say) -> Part:
    """Deploy, upload, wait until nothing moves any more, and judge."""
    say(f"{trial.name}: deploying")
    place = Place(bench.deploy(trial.stage, lambda _line: None), bench.clients)
    witness = bench.proxy.witness = Witness()
    repeater = Repeater(place.outputs, bench.clients.client("sqs"), trial.repeats, trial.seed)
    feeding = _poller(trial, place, bench) if trial.polled else nullcontext()
    timeouts, began = bench.timeouts(), time.monotonic()
    with (
        subscribed(place.outputs, bench.clients) as subscription,
        Ears(subscription).open() as ears,
        repeater.announcements(witness),
        bench.going_wrong(trial.draw),
    ):
        uploads = upload(place.outputs, bench.clients, trial.images, trial.largest)
        repeater.uploads(uploads)
        with feeding:
            _wait(trial.images, place, ears, witness, say)
    seconds = time.monotonic() - began
    bench.proxy.must_be_sound()
    images, timeouts = {one.image for one in uploads}, bench.timeouts() - timeouts
    evidence = gather(place, ears, witness, images, timeouts)
    found = judge.judge(evidence, trial.promises)
    counts = dict(_counts(evidence, witness, repeater))
    return Part(trial.name, found, counts, seconds, _why(found, place))


def _poller(trial: Trial, place: Place, bench: Bench) -> AbstractContextManager[None]:
    """In the place of the emulator's event sources."""
    bench.unplug(place.outputs)
    return Poller(stages.queued(trial.stage), place.outputs, bench.clients).feeding()


@dataclass
class Ears:
    """Hears all that is told while its block runs."""

    subscription: Subscription
    heard: list[Heard] = field(default_factory=list)
    _stop: Event = field(default_factory=Event)

    @contextmanager
    def open(self) -> Iterator["Ears"]:
        thread = Thread(target=self._listen, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(60)

    def _listen(self) -> None:
        """Until told to stop, and then until there is nothing left."""
        while (bodies := self.subscription.receive(1)) or not self._stop.is_set():
            self.heard += map(Heard.of, bodies)


def _wait(images: int, place: Place, ears: Ears, witness: Witness, say: Say) -> None:
    """Until every queue stays empty, or nothing has changed for much too long."""
    quiet, looks, before, changed = 0, 0, (0, 0), time.monotonic()
    while quiet < QUIET and time.monotonic() < changed + STUCK:
        waiting, told = place.waiting(), len({one.image for one in ears.heard})
        if (waiting, told) != before:
            before, changed = (waiting, told), time.monotonic()
        quiet = 0 if waiting else quiet + 1
        if looks % TELL == 0:
            faults = f", {witness.faults.total():,} faults" if witness.faults else ""
            say(f"  {told} of {images} told, {waiting} messages wait{faults}")
        looks += 1
        time.sleep(PACE)


def gather(place: Place, ears: Ears, witness: Witness, images: set[str], timeouts: int) -> Evidence:
    """All that there is to see, once nothing moves any more."""
    objects, ledger = frozenset(place.objects()), place.ledger()
    return Evidence(
        images=frozenset(images),
        heard=tuple(ears.heard),
        records=place.records(),
        ledger=ledger,
        letters=tuple(place.letters(objects, ledger)),
        objects=objects,
        orphans=place.orphans(),
        waiting=place.waiting(),
        told=witness.told.seen(),
        paid=witness.paid.seen(),
        puts=dict(witness.puts),
        returned=witness.returned,
        timeouts=timeouts,
    )


def _counts(evidence: Evidence, witness: Witness, repeater: Repeater) -> Counter[str]:
    """What is not promised, but good to know."""
    counts = Counter({"calls": witness.calls.total(), "messages sent again": repeater.sent})
    counts["timeouts"] = evidence.timeouts
    counts["dead letters"] = len(evidence.letters)
    counts.update({f"fault: {kind}": times for kind, times in witness.faults.items()})
    counts.update(f"cut in window (a): {by}" for by in witness.paid.cuts())
    counts.update(f"cut in window (b): {by}" for by in witness.told.cuts())
    for record in evidence.records.values():
        failure = record.current.failure
        counts[f"{failure.stage} {failure.reason}" if failure else "completed"] += 1
    return counts


def _why(figures: list[Figure], place: Place) -> dict[str, list[str]]:
    """The timelines of the first images that broke a promise."""
    about = [name for figure in figures if not figure.met for name in figure.about]
    images = dict.fromkeys(found[0] for name in about if (found := IMAGE.search(name)))
    return {image: list(place.timeline(image)) for image in list(images)[:EXPLAINED]}
