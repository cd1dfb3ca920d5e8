"""Real faults on a real emulator: is every upload told once, whatever happens?

``python -m tests.lab.chaos --help`` tells the rest. Ends with 1 if a figure is missed.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab.chaos import report
from tests.lab.chaos.bench import bench
from tests.lab.chaos.run import Trial, in_a_crowd, run, under_faults

RESULT = Path(__file__).parents[3] / "build" / "chaos.json"


def main(words: Sequence[str] | None = None) -> int:
    """0 if every figure is met, 1 if one is not, 130 if somebody ended it before."""
    asked = _options(words)
    for number in (signal.SIGINT, signal.SIGTERM):  # else the emulator would outlive us
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()
    try:
        parts = _parts(asked)
    except KeyboardInterrupt:
        _say("ended early; nothing is left running")
        return 128 + signal.SIGINT
    report.write(RESULT, parts, vars(asked))
    return conclude(parts, time.monotonic() - began)


def conclude(parts: Sequence[report.Part], seconds: float) -> int:
    """Say all there is to say of these runs; 1 if one of them missed a figure."""
    for part in parts:
        _say(f"{part.name}: {report.counts(part)}")
        for line in report.explained(part):
            _say(line)
    for line in report.table(parts):
        _say(line)
    met = all(part.met for part in parts)
    minutes, rest = divmod(round(seconds), 60)
    _say(f"{'every figure is met' if met else 'A FIGURE IS MISSED'}; {minutes}:{rest:02} minutes")
    return 0 if met else 1


def _parts(asked: argparse.Namespace) -> list[report.Part]:
    with tempfile.TemporaryDirectory(prefix="darkroom-chaos-") as home, bench(Path(home)) as at:
        trials: list[Trial] = []
        if asked.uploads:
            trials.append(in_a_crowd(at.proxy.endpoint, asked.uploads))
        if asked.images:
            trials.append(under_faults(at.proxy.endpoint, asked.images, asked.faults, asked.seed))
        return [run(trial, at, _say) for trial in trials]


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.chaos",
        description="Run Darkroom on MiniStack through real faults, and through a crowd of uploads "
        "in batches that cannot hold them; hold what is left against what is promised.",
    )
    parser.add_argument("--images", type=int, default=300, help="under faults (%(default)s)")
    parser.add_argument("--uploads", type=int, default=500, help="at once (%(default)s)")
    parser.add_argument("--faults", type=float, default=0.1, help="share of calls (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the faults (%(default)s)")
    return parser.parse_args(words)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
