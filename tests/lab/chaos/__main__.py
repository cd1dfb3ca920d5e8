"""Run Darkroom on a real emulator under real faults, and check its guarantees.

``python -m tests.lab.chaos --help`` lists the options. Exits with 1 if a figure is not met.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab.chaos import report
from tests.lab.chaos.rig import start_rig
from tests.lab.chaos.run import Scenario, overloaded, run, under_faults

RESULT = Path(__file__).parents[3] / "build" / "chaos.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if every figure is met, 1 if one is not, 130 if the run was interrupted."""
    options = _options(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # otherwise the emulator would keep running
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()
    try:
        results = _results(options)
    except KeyboardInterrupt:
        _say("interrupted; all processes are stopped")
        return 128 + signal.SIGINT
    report.write(RESULT, results, vars(options))
    return conclude(results, time.monotonic() - began)


def conclude(results: Sequence[report.Result], seconds: float) -> int:
    """Print the results; return 1 if a figure is not met."""
    for result in results:
        _say(f"{result.name}: {report.counts(result)}")
        for line in report.timelines(result):
            _say(line)
    for line in report.table(results):
        _say(line)
    met = all(result.met for result in results)
    minutes, rest = divmod(round(seconds), 60)
    _say(f"{'all figures are met' if met else 'A FIGURE IS NOT MET'}; {minutes}:{rest:02} minutes")
    return 0 if met else 1


def _results(options: argparse.Namespace) -> list[report.Result]:
    with (
        tempfile.TemporaryDirectory(prefix="darkroom-chaos-") as home,
        start_rig(Path(home)) as rig,
    ):
        scenarios: list[Scenario] = []
        proxy = rig.proxy.endpoint
        if options.uploads:
            scenarios.append(overloaded(proxy, options.uploads))
        if options.images:
            scenarios.append(under_faults(proxy, options.images, options.faults, options.seed))
        return [run(scenario, rig, _say) for scenario in scenarios]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.chaos",
        description="Run Darkroom on MiniStack under faults, and with many uploads in batches that "
        "are too large; then check its guarantees.",
    )
    parser.add_argument("--images", type=int, default=300, help="under faults (%(default)s)")
    parser.add_argument("--uploads", type=int, default=500, help="at once (%(default)s)")
    parser.add_argument("--faults", type=float, default=0.1, help="share of calls (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the faults (%(default)s)")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
