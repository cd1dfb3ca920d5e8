"""Run one schedule, repeat it, and reduce one that breaks a promise to the fewest actions."""

import gc
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from random import Random

from shared.telemetry import log
from tests.lab.simulator.evidence import Violation
from tests.lab.simulator.profiles import PROFILES
from tests.lab.simulator.promises import broken
from tests.lab.simulator.safeguards import Safeguard
from tests.lab.simulator.simulation import Action, Simulation, memoized

MOST = 2000
"""The number of schedules within which a missing safeguard has to be noticed."""


@dataclass(frozen=True)
class Outcome:
    """How one schedule ended. ``windows`` counts what the protocol's windows excused; ``moments``
    are those that workers came to, ``deaths`` those that one died at.
    """

    actions: tuple[Action, ...]
    violations: tuple[Violation, ...]
    windows: Counter[str]
    moments: frozenset[tuple[str, str]]
    deaths: frozenset[tuple[str, str]]


def explore(profile: str, seed: int) -> Outcome:
    """The schedule that this seed draws, run to its end."""
    simulation = Simulation()
    schedule = PROFILES[profile](simulation, Random(f"{profile}/{seed}"))
    return _run(simulation, schedule)


def replay(actions: Sequence[Action]) -> Outcome:
    """Exactly these actions, then a drain without faults."""
    return _run(Simulation(), iter(actions))


def _run(simulation: Simulation, schedule: Iterator[Action]) -> Outcome:
    with memoized():
        for action in schedule:
            simulation.do(action)
        actions = tuple(simulation.trace)
        simulation.do(Action("drain"))
    seen = simulation.seen
    return Outcome(
        actions,
        tuple(broken(simulation)),
        seen.windows,
        frozenset(seen.moments),
        frozenset(seen.killed),
    )


def shrink(actions: Sequence[Action], kind: str) -> list[Action]:
    """The fewest of these actions that still break the promise: none of them can be left out."""
    actions_left, size = list(actions), max(1, len(actions) // 2)
    while True:
        before = len(actions_left)
        for start in range(len(actions_left) - size, -1, -size):
            fewer = actions_left[:start] + actions_left[start + size :]
            if any(violation.kind == kind for violation in replay(fewer).violations):
                actions_left = fewer
        if size == 1 and len(actions_left) == before:
            return actions_left
        size = max(1, size // 2)


@contextmanager
def quiet() -> Iterator[None]:
    """Discard the services' log and metrics."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        before, log.disabled = log.disabled, True
        try:
            yield
        finally:
            log.disabled = before


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Collect the garbage of several schedules at once; otherwise it takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def found_without(safeguard: Safeguard, most: int = MOST) -> tuple[int, Violation] | None:
    """How many schedules of its profile it takes to miss this safeguard, and by what."""
    for seed in range(1, most + 1):
        with quiet(), safeguard.remove():
            violations = explore(safeguard.profile, seed).violations
        if violations:
            return seed, violations[0]
    return None
