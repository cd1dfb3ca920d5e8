"""The simulator's command line: so many schedules, and whether a promise was broken in any.

``python -m tests.saga.simulate --help`` tells the rest.
"""

import argparse
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from random import Random

from shared.telemetry import log
from tests.saga.evidence import Violation
from tests.saga.profiles import DEATHS, PROFILES
from tests.saga.promises import broken
from tests.saga.safeguards import SAFEGUARDS, Safeguard
from tests.saga.simulation import Action, Simulation, remembering

MOST = 2000
"""Schedules within which the lack of a safeguard has to show."""


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
    with remembering():
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


def shrunk(actions: Sequence[Action], kind: str) -> list[Action]:
    """The fewest of these actions that still break the promise: none of them can be left out."""
    kept, size = list(actions), max(1, len(actions) // 2)
    while True:
        before = len(kept)
        for start in range(len(kept) - size, -1, -size):
            fewer = kept[:start] + kept[start + size :]
            if any(violation.kind == kind for violation in replay(fewer).violations):
                kept = fewer
        if size == 1 and len(kept) == before:
            return kept
        size = max(1, size // 2)


def say(line: str) -> None:
    """A line for whoever runs the command, at once."""
    sys.stdout.write(f"{line}\n")


@contextmanager
def quiet() -> Iterator[None]:
    """Without the services' log and metrics: of thousands of schedules, nobody reads them."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        before, log.disabled = log.disabled, True
        try:
            yield
        finally:
            log.disabled = before


@contextmanager
def seldom_tidied() -> Iterator[None]:
    """With the garbage of several schedules collected at once: it is a tenth of the time else."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every promise held in every schedule."""
    options = _options(arguments)
    if options.table:
        return _table()
    names = [options.profile] if options.profile else list(PROFILES)
    seeds = range(options.seed, options.seed + options.runs)
    windows: Counter[str] = Counter()
    deaths: set[tuple[str, str]] = set()
    violations = 0
    began = time.process_time()
    for n, seed in enumerate(seeds):
        profile = names[n % len(names)]
        with quiet(), seldom_tidied():
            outcome = explore(profile, seed)
        windows += outcome.windows
        deaths |= outcome.deaths
        if outcome.violations:
            violations += 1
            if violations <= options.show:
                _explain(profile, seed, outcome)
    speed = len(seeds) / (time.process_time() - began)  # of one core, however busy the others are
    counted = ", ".join(f"{name} {times}" for name, times in sorted(windows.items()))
    say(f"excused by a window: {counted or 'nothing'}")
    say(f"killed at {len(deaths)} of {len(DEATHS)} moments: right before and after each effect")
    say(f"{len(seeds)} schedules, {violations} violations, {speed:.0f} schedules/s")
    return 1 if violations else 0


def found_without(safeguard: Safeguard, most: int = MOST) -> tuple[int, Violation] | None:
    """How many schedules of its profile it takes to miss this safeguard, and by what."""
    for seed in range(1, most + 1):
        with quiet(), safeguard.remove():
            violations = explore(safeguard.profile, seed).violations
        if violations:
            return seed, violations[0]
    return None


def _table() -> int:
    """A line of Markdown for each safeguard; 1 if one of them is not missed."""
    say("| safeguard | without it | profile | promise broken | schedules |")
    say("|---|---|---|---|---:|")
    unmissed = 0
    for one in SAFEGUARDS:
        found = found_without(one)
        unmissed += found is None
        broken_by, needed = (found[1].kind, found[0]) if found else ("none", f"over {MOST}")
        say(f"| {one.name} | {one.breaks} | {one.profile} | {broken_by} | {needed} |")
    return 1 if unmissed else 0


def _explain(profile: str, seed: int, outcome: Outcome) -> None:
    first = outcome.violations[0]
    with quiet():
        actions = shrunk(outcome.actions, first.kind)
        again = replay(actions)
    say(f"{profile}, seed {seed}: {len(outcome.actions)} actions, shrunk to {len(actions)}")
    for action in actions:
        say(f"  {action}")
    for violation in again.violations:
        say(f"  => {violation}")
    say(f"  again: make simulate PROFILE={profile} SEED={seed} RUNS=1")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.saga.simulate",
        description="Run the saga through seeded schedules of faults, and check every promise.",
    )
    parser.add_argument("--runs", type=int, default=2000, help="how many schedules (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed (%(default)s)")
    parser.add_argument("--profile", choices=PROFILES, help="only this one, instead of all in turn")
    parser.add_argument("--show", type=int, default=3, help="violations explained (%(default)s)")
    parser.add_argument("--table", action="store_true", help="what breaks without each safeguard")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
