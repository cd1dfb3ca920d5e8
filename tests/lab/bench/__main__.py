"""Measure speed, size and cost; each figure beside a peer measured in the same run.

``python -m tests.lab.bench --help`` lists the options. Exits with 1 if a goal is missed.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.lab.bench import report
from tests.lab.bench.areas import AREAS, rows_of
from tests.lab.bench.inputs import BUILD
from tests.lab.bench.row import Row


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if every goal is met, 1 if one is missed."""
    options = _options(arguments)
    began = time.monotonic()
    rows: list[Row] = []
    for area in options.area or AREAS:
        for row in rows_of(area)(_progress, options.quick):
            rows.append(row)
            _say(report.line(row))
    _conclude(rows, time.monotonic() - began)
    return 0 if all(row.met for row in rows) else 1


def _conclude(rows: Sequence[Row], seconds: float) -> None:
    report.write(BUILD, rows)
    _say("")
    for line in report.table(rows):
        _say(line)
    missed = sum(not row.met for row in rows)
    goals = sum(bool(row.goal) for row in rows)
    minutes, rest = divmod(round(seconds), 60)
    _say(f"\n{goals - missed} of {goals} goals met; {minutes}:{rest:02} minutes")
    _say(f"{BUILD / 'bench.json'} and {BUILD / 'bench.svg'} hold the results")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.bench",
        description="Measure Darkroom and its peers in turns, in one run. Ratios can be compared "
        "between machines, milliseconds cannot.",
    )
    parser.add_argument("--area", action="append", choices=AREAS, help="only this (repeatable)")
    parser.add_argument("--quick", action="store_true", help="fewer cases, fewer rounds")
    return parser.parse_args(arguments)


def _progress(line: str) -> None:
    sys.stderr.write(f"  … {line}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
