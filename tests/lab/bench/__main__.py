"""How fast, how small, how cheap: every figure beside a peer that is measured in the same run.

``python -m tests.lab.bench --help`` tells the rest. Ends with 1 if a goal is missed.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.lab.bench import report
from tests.lab.bench.areas import AREAS, rows_of
from tests.lab.bench.inputs import BUILD
from tests.lab.bench.row import Row


def main(words: Sequence[str] | None = None) -> int:
    """0 if every goal is met, 1 if one is missed."""
    asked = _options(words)
    began = time.monotonic()
    rows: list[Row] = []
    for area in asked.area or AREAS:
        for row in rows_of(area)(_progress, asked.quick):
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
    promised = sum(bool(row.goal) for row in rows)
    minutes, rest = divmod(round(seconds), 60)
    _say(f"\n{promised - missed} of {promised} goals met; {minutes}:{rest:02} minutes")
    _say(f"{BUILD / 'bench.json'} and {BUILD / 'bench.svg'} hold the same")


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.bench",
        description="Measure Darkroom beside its peers, in turns, in this one run: ratios can be "
        "compared between machines, milliseconds cannot.",
    )
    parser.add_argument("--area", action="append", choices=AREAS, help="only this (repeatable)")
    parser.add_argument("--quick", action="store_true", help="fewer cases, fewer rounds")
    return parser.parse_args(words)


def _progress(at: str) -> None:
    sys.stderr.write(f"  … {at}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
