"""The schedules: what happens, in which order, drawn from a seed. One function for each profile.

``uniform`` lets anything happen at any time. Some rules of the protocol matter only in one narrow
place, which chance alone hardly ever finds; the other profiles go there on purpose.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tests.lab.simulator.simulation import POISON, Action, Sent, Simulation, Worker

Schedule = Iterator[Action]
Profile = Callable[[Simulation, Random], Schedule]
SKEW = 3.0
"""s. Clocks of workers differ from the simulation's by up to this."""
MOMENTS = {"notify": 6}
"""How many moments a service's work has, where they are few."""
REPLAY_OPTIONS = ("plain", "plain", "force", "force", "analyze-only", "analyze-only force")
"""What a replay may ask for."""
CLAIMED = ("ledger.claim", "ledger.complete", "ledger.release", "runs.status")
QUEUED = ("queue.retry_later", "queue.dead_letter")
MADE = ("processed.keys", "processed.delete", "bus.publish", *CLAIMED, *QUEUED)
EFFECTS: dict[str, tuple[str, ...]] = {
    "resize": ("uploads.get", "uploads.delete", "pictures.develop", "processed.put",
               "processed.copy", *MADE),
    "analyze": ("processed.find", "recognizer.ask", "processed.replace", "processed.put",
                "runs.resized", "index.find", "index.put", "index.keys", "index.delete", *MADE),
    "store": ("records.read", "records.write", "records.add_event", "processed.put",
              "processed.delete", "lists.read", "lists.write", "bus.publish", *QUEUED),
    "notify": ("notifications.send", *CLAIMED, *QUEUED),
    "rescue": ("kept.put", "bus.publish"),
}  # fmt: skip
"""Every side effect of every service."""
DEATHS = tuple(
    (service, f"{when} {effect}")
    for service, effects in EFFECTS.items()
    for effect in effects
    for when in ("before", "after")
)
"""Every moment that a worker may die at."""
AFTER_A_FAILURE = ("ledger.release", *QUEUED)
BETWEEN_RUNS = {
    ("resize", "processed.copy"),
    ("analyze", "processed.put"),
    ("analyze", "index.delete"),
}
"""Effects of a run that follows another run, or is followed by one."""
PARTS = tuple(sorted({effect.split(".")[0] for effects in EFFECTS.values() for effect in effects}))


@dataclass(frozen=True)
class Hazards:
    """How likely each thing is, at each step."""

    error: float = 0.0
    throttle: float = 0.0
    permanent: float = 0.0
    kill: float = 0.0
    copy: float = 0.0
    delay: float = 0.0
    lose: float = 0.0
    outage: float = 0.0
    ask: float = 0.0
    batch: int = 1
    """Messages a worker gets at most."""

    @classmethod
    def draw(cls, random: Random) -> "Hazards":
        return cls(
            error=random.choice((0, 0.05, 0.2)),
            throttle=random.choice((0, 0, 0.2)),
            permanent=random.choice((0, 0, 0, 0.01)),
            kill=random.choice((0, 0.02, 0.1)),
            copy=random.choice((0, 0.2, 0.7)),
            delay=random.choice((0, 0.2)),
            lose=random.choice((0, 0.05)),
            outage=random.choice((0, 0, 0.01)),
            ask=random.choice((0, 0.02, 0.05)),
            batch=random.choice((1, 1, 3)),
        )


def uniform(simulation: Simulation, random: Random) -> Schedule:
    """Anything may happen to one image at any time."""
    yield Action("upload", (_name(random, 0),))
    yield from wander(simulation, random, Hazards.draw(random), random.choice((20, 60, 120)))


def several(simulation: Simulation, random: Random) -> Schedule:
    """Two images in one notification, and batches."""
    yield Action("upload", (_name(random, 0), _name(random, 1)))
    hazards = Hazards.draw(random)
    several = Hazards(**{**vars(hazards), "batch": 5})
    yield from wander(simulation, random, several, random.choice((20, 60)))


def frozen(simulation: Simulation, random: Random) -> Schedule:
    """One worker stands still at a random moment while somebody ends, deletes or replays."""
    yield Action("upload", ("0.jpg",))
    if random.random() < 0.4:
        yield from _finished_once(simulation, random)
    target = random.choice(("resize", "resize", "analyze", "analyze", "store", "notify"))
    still = yield from _freeze(simulation, random, target)
    for _ in range(random.choice((1, 1, 2))):
        yield from _meddle(simulation, random)
        yield from _flow(simulation, random, still)
    if still:
        yield from _thaw(random, still)


def last_attempt(simulation: Simulation, random: Random) -> Schedule:
    """A service's tries of one event all fail or are killed, the last one anywhere."""
    yield Action("upload", (random.choice(("0.jpg", "0.jpg", "0.jpg", "deadly.jpg")),))
    target = random.choice(("resize", "analyze", "notify"))
    moments = random.randrange(1, MOMENTS.get(target, 22))
    for _ in range(random.choice((4, 5, 6))):
        worker = yield from _freeze(simulation, random, target, moments)
        if worker is None:
            return
        if random.random() < 0.3:
            yield from _meddle(simulation, random)
            yield from _flow(simulation, random, worker)
        yield from _disturb(random, worker)


def late(simulation: Simulation, random: Random) -> Schedule:
    """Long after: the ledger has forgotten, and S3, or somebody, asks once more."""
    yield Action("upload", (_name(random, 0),))
    yield from wander(simulation, random, Hazards(copy=0.2, kill=0.02, error=0.05), 30)
    if random.random() < 0.5:
        yield from _meddle(simulation, random)
    yield Action("drain")
    yield Action("expire")
    for _ in range(random.choice((1, 2))):
        if random.random() < 0.5:
            yield Action("again", (next(iter(simulation.notices)),))
        else:
            yield from _meddle(simulation, random)
        yield from wander(simulation, random, Hazards(copy=0.2), 15)


def outlives(simulation: Simulation, random: Random) -> Schedule:
    """A worker outlives its lease and goes on to its end, while others have taken over from it."""
    yield Action("upload", ("0.jpg",))
    target = random.choice(("resize", "analyze", "analyze", "notify"))
    still = yield from _freeze(simulation, random, target)
    if still is None:
        return
    yield Action("linger", value=200)
    message = still.messages[0]
    yield Action("copy", (message.name,))
    copied = simulation.messages[simulation.sent[-1]]
    second = yield from _redeliver(simulation, random, message)
    if random.random() < 0.6:
        yield from _meddle(simulation, random)
        yield from _flow(simulation, random, still, second)
    yield from _thaw(random, still)
    yield Action("tick", value=random.choice((2, 5)))
    third = yield from _redeliver(simulation, random, copied)
    for worker in (third, second):
        if worker:
            yield Action("finish", (worker.name,))


def stranded(simulation: Simulation, random: Random) -> Schedule:
    """A worker dies with a write on its way, which S3 applies when all is over; or it dies past its
    lease, after a late write. Window (d).
    """
    yield Action("upload", ("0.jpg",))
    if random.random() < 0.3:
        yield from _finished_once(simulation, random)
    target = random.choice(("resize", "resize", "analyze", "analyze", "store"))
    still = yield from _freeze(simulation, random, target)
    if still is None:
        return
    outlived = random.random() < 0.4
    yield Action("linger", value=200) if outlived else Action("strand", (still.name,))
    for _ in range(random.choice((1, 1, 2))):
        yield from _meddle(simulation, random)
        yield from _flow(simulation, random, still)
    if outlived:
        yield Action("run", (still.name,), random.choice((1, 2, 3, 4, 6)))
        yield Action("kill", (still.name,))
    if random.random() < 0.6:
        yield Action("drain")
    yield Action("land")


def throttled(simulation: Simulation, random: Random) -> Schedule:
    """The world asks to slow down, far more often than there are tries."""
    yield Action("upload", ("0.jpg",))
    hazards = Hazards(throttle=0.6, copy=random.choice((0, 0.3)), kill=random.choice((0, 0.02)))
    yield from wander(simulation, random, hazards, random.choice((60, 150)))


def outage(simulation: Simulation, random: Random) -> Schedule:
    """An adapter is unavailable for a while."""
    yield Action("upload", ("0.jpg",))
    yield from wander(simulation, random, Hazards(copy=0.2), random.choice((1, 5, 12)))
    parts = tuple(random.sample(PARTS, random.choice((1, 1, 2))))
    yield Action("down", parts)
    hazards = Hazards(copy=0.2, ask=random.choice((0, 0.05)))
    yield from wander(simulation, random, hazards, random.choice((20, 60)))
    yield Action("up", parts)
    yield from wander(simulation, random, hazards, 15)


def replays(simulation: Simulation, random: Random) -> Schedule:
    """Run after run of one image, asked for twice, with duplicates that come late."""
    yield Action("upload", ("0.jpg",))
    for _ in range(random.choice((1, 2, 3))):
        if random.random() < 0.6:
            yield Action("drain")
        yield Action("replay", ("0.jpg",), random.choice(REPLAY_OPTIONS))
        asked = [m for m in simulation.messages.values() if ":replay/" in m.name]
        for message in asked:
            if random.random() < 0.6:
                yield Action("copy", (message.name,), random.choice((0, 30, 400, 4000)))
        hazards = Hazards(copy=0.3, delay=0.1, kill=random.choice((0, 0.03)), error=0.03)
        yield from wander(simulation, random, hazards, random.choice((10, 40)))


def reuses(simulation: Simulation, random: Random) -> Schedule:
    """The same content comes again and again, while what was analysed before is deleted, replayed
    or still at work; a worker may stand still over it.
    """
    unheard = random.random() < 0.3
    if unheard:
        yield from _unheard(simulation, random)
    for n in range(unheard, random.choice((1, 2, 3))):
        yield Action("upload", (f"{n}.jpg",))
        if random.random() < 0.5:
            yield Action("drain")
        still = None
        if random.random() < 0.6:
            still = yield from _freeze(simulation, random, "analyze")
        for _ in range(random.choice((0, 1, 2))):
            yield from _meddle(simulation, random)
            yield from _flow(simulation, random, still)
        if still:
            yield from _thaw(random, still)
        hazards = Hazards(copy=0.2, kill=random.choice((0, 0.05)), error=random.choice((0, 0.05)))
        yield from wander(simulation, random, hazards, random.choice((0, 10)))


def killed(simulation: Simulation, random: Random) -> Schedule:
    """Who comes to one moment of one service dies there, once or more often than there are tries.

    Every moment has its turn, also one that a worker reaches only after another failure.
    """
    service, moment = random.choice(DEATHS)
    yield Action("upload", (random.choice(("0.jpg", "0.jpg", "bad0.jpg", "deadly.jpg")),))
    deaths = random.choice((1, 1, 2, 6))
    if (service, moment.split()[1]) in BETWEEN_RUNS:
        yield Action("drain")
        yield Action("replay", (next(iter(simulation.images)),), "analyze-only")
    for _ in range(40):
        if not deaths:
            return
        worker = yield from _next(simulation, random, service)
        if worker is None:
            continue
        if worker.service == service:
            if random.random() < (0.8 if moment.endswith(AFTER_A_FAILURE) else 0.2):
                yield Action("run", (worker.name,), random.randrange(1, MOMENTS.get(service, 12)))
                yield Action("fail", (worker.name,), random.choice(("transient", "throttled")))
            yield Action("until", (worker.name,), moment)
            if worker.name in simulation.workers:
                yield Action("kill", (worker.name,))
                deaths -= 1
        elif random.random() < 0.1:
            yield from _disturb(random, worker)
        yield Action("finish", (worker.name,))


def poisoned(simulation: Simulation, random: Random) -> Schedule:
    """Unreadable and unknown messages, and an original that is gone."""
    yield Action("upload", (_name(random, 0),))
    for _ in range(random.choice((1, 2, 4))):
        hazards = Hazards(copy=0.2, kill=random.choice((0, 0.05)), error=0.05)
        yield from wander(simulation, random, hazards, random.choice((3, 8, 20)))
        yield _poison(random, random.choice(tuple(simulation.services)))
        if random.random() < 0.2:
            yield Action("vanish", (next(iter(simulation.images)),))
            yield from _meddle(simulation, random)


def quarantine(simulation: Simulation, random: Random) -> Schedule:
    """Flagged pictures: released while they run, twice, late or after they were deleted."""
    yield Action("moderation", value=random.choice(("quarantine", "quarantine", "flag")))
    yield Action("upload", (f"{random.choice(('flagged', 'flagged', 'doubtful'))}0.jpg",))
    for _ in range(random.choice((1, 2, 3))):
        still = yield from _freeze(simulation, random, random.choice(("store", "store", "notify")))
        for _ in range(random.choice((1, 1, 2, 3))):
            yield from _oversee(simulation, random)
            yield from _flow(simulation, random, still)
        if still and random.random() < 0.2:
            yield Action("strand", (still.name,))
        elif still:
            yield from _thaw(random, still)
        hazards = Hazards(copy=0.2, delay=0.1, kill=random.choice((0, 0.03)), error=0.03)
        yield from wander(simulation, random, hazards, random.choice((5, 20, 60)))
        yield Action("land")
        if random.random() < 0.2:
            yield Action("drain")
            yield Action("expire")


PROFILES: dict[str, Profile] = {
    profile.__name__.replace("_", "-"): profile
    for profile in (
        uniform, several, frozen, last_attempt, late, outlives, stranded, throttled,
        outage, replays, reuses, killed, poisoned, quarantine,
    )
}  # fmt: skip


def wander(simulation: Simulation, random: Random, hazards: Hazards, steps: int) -> Schedule:
    """So many random steps of random workers, with these hazards."""
    known = len(simulation.sent)
    for _ in range(steps):
        for name in [name for name in simulation.sent[known:] if name in simulation.messages]:
            yield from _mistreat(random, hazards, name)
        known = len(simulation.sent)
        if random.random() < hazards.ask:
            yield from _meddle(simulation, random)
        if random.random() < hazards.outage:
            verb = "up" if simulation.down else "down"
            yield Action(verb, tuple(simulation.down) or (random.choice(PARTS),))
        yield from _step(simulation, random, hazards)


def _mistreat(random: Random, hazards: Hazards, name: str) -> Schedule:
    while random.random() < hazards.copy:
        yield Action("copy", (name,), random.choice((0, 0, 1, 60, 400)))
        if random.random() < 0.5:
            break
    if random.random() < hazards.delay:
        yield Action("delay", (name,), random.choice((1, 60, 250)))
    if random.random() < hazards.lose:
        yield Action("lose", (name,))


def _step(simulation: Simulation, random: Random, hazards: Hazards) -> Schedule:
    workers = list(simulation.workers.values())
    chance = random.random()
    if workers and chance < 0.65:
        yield _fate(random, hazards, random.choice(workers))
        return
    visible = simulation.visible()
    if visible and chance < 0.97:
        yield _delivery(random, visible, hazards.batch)
    elif visible or not workers:
        yield Action("tick", value=_until_next(simulation, random))
    elif chance > 0.95:
        yield Action("tick", value=random.choice((1, 5, 27, 31)))
    else:
        yield _fate(random, hazards, random.choice(workers))


def _fate(random: Random, hazards: Hazards, worker: Worker) -> Action:
    chance = random.random()
    for verb, kind, share in (
        ("kill", 0, hazards.kill),
        ("fail", "transient", hazards.error),
        ("fail", "throttled", hazards.throttle),
        ("fail", "permanent", hazards.permanent),
    ):
        if chance < share:
            return Action(verb, (worker.name,), kind)
        chance -= share
    return Action("run", (worker.name,), random.choice((1, 2, 4, 8, 40)))


def _delivery(random: Random, visible: list[Sent], most: int) -> Action:
    first = random.choice(visible)
    mates = [m for m in visible if m.consumer == first.consumer and m is not first]
    random.shuffle(mates)
    batch = (first, *mates[: most - 1])
    return Action("deliver", tuple(m.name for m in batch), round(random.uniform(-SKEW, SKEW), 1))


def _until_next(simulation: Simulation, random: Random) -> float:
    """s. Until something is visible again, or a little; with nothing to wait for, a little."""
    waits = [m.visible_at - simulation.now for m in simulation.messages.values()]
    soonest = min((wait for wait in waits if wait > 0), default=1)
    return round(random.choice((1, 5, soonest + 0.1)), 1)


def _freeze(
    simulation: Simulation, random: Random, target: str, moments: int = 0
) -> Iterator[Action]:  # its return value is the worker, or None if none came
    """Let all flow until a worker of ``target`` stands ``moments`` into its work, or anywhere."""
    moments = moments or random.randrange(1, MOMENTS.get(target, 22))
    skip = random.choice((0, 0, 0, 1))
    for _ in range(80):
        visible = simulation.visible()
        if not visible:
            if not simulation.messages:
                return None
            yield Action("tick", value=_wait(simulation))
            continue
        message = random.choice(visible)
        yield Action("deliver", (message.name,), round(random.uniform(-SKEW, SKEW), 1))
        worker = simulation.workers.get(f"{message.name}@{message.receives}")
        if worker is None:
            continue
        if worker.service == target:
            skip -= 1
        if worker.service == target and skip < 0:
            yield Action("run", (worker.name,), moments)
            if worker.name in simulation.workers:
                return worker
        else:
            yield Action("finish", (worker.name,))
    return None


def _next(
    simulation: Simulation, random: Random, service: str
) -> Iterator[Action]:  # its return value is the worker, or None if time went by instead
    """A worker with the next message, after events that may lead to rare moments of ``service``.

    Some outlive their lease.
    """
    if random.random() < 0.1:
        yield from _meddle(simulation, random)
    if random.random() < 0.05:
        known = tuple(simulation.services)
        yield _poison(random, service if service in known else random.choice(known))
    visible = simulation.visible()
    if not visible:
        yield Action("tick", value=_wait(simulation) if simulation.messages else 1)
        return None
    message = random.choice(visible)
    yield Action("deliver", (message.name,), 0.0)
    worker = simulation.workers.get(f"{message.name}@{message.receives}")
    if worker and worker.service == service and random.random() < 0.2:
        yield from _outlive(random, worker)
    return worker


def _outlive(random: Random, worker: Worker) -> Schedule:
    """The worker stands still until its lease is over, right after its claim or further on."""
    if "ledger.claim" in EFFECTS[worker.service]:
        yield Action("until", (worker.name,), "after ledger.claim")
    if random.random() < 0.5:
        further = random.randrange(1, MOMENTS.get(worker.service, 12))
        yield Action("run", (worker.name,), further)
    yield Action("linger", value=200)


def _poison(random: Random, service: str) -> Action:
    kinds = POISON if service == "resize" else [kind for kind in POISON if kind != "half"]
    return Action("poison", (service,), random.choice(list(kinds)))


def _wait(simulation: Simulation) -> float:
    soonest = min(m.visible_at for m in simulation.messages.values())
    return round(max(0.0, soonest - simulation.now) + 0.01, 2)


def _flow(simulation: Simulation, random: Random, *still: Worker | None) -> Schedule:
    """Everything that is visible flows to its end without time passing; these stand still."""
    for _ in range(40):
        visible = simulation.visible()
        if not visible:
            return
        message = random.choice(visible)
        yield Action("deliver", (message.name,), 0.0)
        worker = simulation.workers.get(f"{message.name}@{message.receives}")
        if worker and worker not in still:
            yield Action("finish", (worker.name,))


def _meddle(simulation: Simulation, random: Random) -> Schedule:
    """Somebody ends, deletes or replays an image."""
    name = random.choice(list(simulation.images))
    verb = random.choice(("delete", "stuck", "stuck", "replay", "replay"))
    yield Action(verb, (name,), random.choice(REPLAY_OPTIONS) if verb == "replay" else 0)


def _oversee(simulation: Simulation, random: Random) -> Schedule:
    """Somebody releases an image, at once or by a message that comes late and again; or replays
    it, or deletes it, or changes what becomes of the flagged.
    """
    verb = random.choice(("release",) * 5 + ("replay",) * 3 + ("delete", "moderation"))
    if verb == "moderation":
        yield Action(verb, value=random.choice(("flag", "quarantine", "quarantine")))
        return
    name = random.choice(list(simulation.images))
    yield Action(verb, (name,), random.choice(REPLAY_OPTIONS) if verb == "replay" else 0)
    asked = [message for message in simulation.messages.values() if f":{verb}/" in message.name]
    for message in asked:
        if random.random() < 0.3:
            yield Action("copy", (message.name,), random.choice((0, 30, 400, 4000)))
        if random.random() < 0.2:
            yield Action("delay", (message.name,), random.choice((1, 60, 250)))


def _thaw(random: Random, worker: Worker) -> Schedule:
    """The worker goes on: to its end, into an error, or into its death."""
    fates = ("finish", "finish", "fail") if worker.overran else ("finish", "finish", "fail", "kill")
    fate = random.choice(fates)
    kind = random.choice(("transient", "throttled")) if fate == "fail" else 0
    yield Action(fate, (worker.name,), kind)
    yield Action("finish", (worker.name,))


def _disturb(random: Random, worker: Worker) -> Schedule:
    fate = random.choice(("kill", "kill", "fail"))
    yield Action(fate, (worker.name,), "transient" if fate == "fail" else 0)
    yield Action("finish", (worker.name,))


def _redeliver(
    simulation: Simulation, random: Random, message: Sent
) -> Iterator[Action]:  # its return value is the worker, or None
    """A second worker receives the message, and stops in the middle of it or handles it."""
    name = f"{message.name}@{message.receives + 1}"
    yield Action("deliver", (message.name,), 0.0)
    worker = simulation.workers.get(name)
    if worker is None:
        return None
    yield Action("run", (worker.name,), random.choice((random.randrange(1, 16), 40)))
    return worker


def _finished_once(simulation: Simulation, random: Random) -> Schedule:
    yield Action("drain")
    yield Action("replay", ("0.jpg",), random.choice(REPLAY_OPTIONS))


def _unheard(simulation: Simulation, random: Random) -> Schedule:
    """A run ends before ``store`` receives the content that ``analyze`` works on."""
    yield Action("upload", ("0.jpg",))
    yield Action("deliver", ("resize:0.jpg#0",), 0.0)
    yield Action("until", ("resize:0.jpg#0@1",), "before uploads.get")
    yield Action("fail", ("resize:0.jpg#0@1",), "permanent")
    yield Action("drain")
    yield Action("replay", ("0.jpg",), "plain")
    while visible := [m for m in simulation.visible() if m.service != "analyze"]:
        message = visible[0]
        if message.name.startswith("store:image.resized"):
            yield Action("delay", (message.name,), 300)
        else:
            yield Action("deliver", (message.name,), 0.0)
            yield Action("finish", (f"{message.name}@{message.receives}",))
    still = yield from _freeze(simulation, random, "analyze")
    yield Action(random.choice(("stuck", "delete")), ("0.jpg",))
    yield from _flow(simulation, random, still)
    if still:
        yield Action("finish", (still.name,))


def _name(random: Random, n: int) -> str:
    return f"{'bad' if random.random() < 0.1 else ''}{n}.jpg"
