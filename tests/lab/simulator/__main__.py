"""The simulator's command line: run schedules of faults and report every broken promise.

See ``python -m tests.lab.simulator --help``.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.lab.simulator.explore import (
    MOST,
    Outcome,
    explore,
    found_without,
    quiet,
    rare_garbage_collection,
    replay,
    shrink,
)
from tests.lab.simulator.profiles import DEATHS, PROFILES
from tests.lab.simulator.safeguards import SAFEGUARDS


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
        with quiet(), rare_garbage_collection():
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
        actions = shrink(outcome.actions, first.kind)
        again = replay(actions)
    say(f"{profile}, seed {seed}: {len(outcome.actions)} actions, shrunk to {len(actions)}")
    for action in actions:
        say(f"  {action}")
    for violation in again.violations:
        say(f"  => {violation}")
    say(f"  again: make simulate PROFILE={profile} SEED={seed} RUNS=1")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.simulator",
        description="Run the saga through seeded schedules of faults, and check every promise.",
    )
    parser.add_argument("--runs", type=int, default=2000, help="how many schedules (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed (%(default)s)")
    parser.add_argument("--profile", choices=PROFILES, help="only this one, instead of all in turn")
    parser.add_argument("--show", type=int, default=3, help="violations explained (%(default)s)")
    parser.add_argument("--table", action="store_true", help="what breaks without each safeguard")
    return parser.parse_args(arguments)


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
