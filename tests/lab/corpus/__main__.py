"""Process a folder of pictures, and compare each with Chromium's rendering.

``python -m tests.lab.corpus DIR`` writes a contact sheet (``index.html``), the tables
``refusals.csv`` and ``differences.csv``, and both as Markdown (``corpus.md``). ``--help`` lists the
options. Exits with 1 if a picture has a fault (``row.Row.fault``), and with 2 for a wrong option or
a folder without pictures.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab.corpus import chromium, files, report, workers
from tests.lab.corpus.ours import Ours, develop_file
from tests.lab.corpus.row import Row

BUILD = Path(__file__).parents[3] / "build" / "corpus"
PROGRESS_STEP = 50
"""Pictures between two lines of progress."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if no picture has a fault, otherwise 1."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")
    paths = files.pictures(options.folder)[: options.limit]
    if not paths:
        parser.error(f"{options.folder} has no pictures")
    began = time.monotonic()
    ours = _develop(paths, options)
    shown = {} if options.no_chromium else _show(ours)
    rows = [
        Row(str(path.relative_to(options.folder)), picture, shown.get(path))
        for path, picture in ours.items()
    ]
    report.write(options.out, rows, options.tolerance)
    for line in report.summary(rows, options.tolerance):
        _say(line)
    _say(f"{time.monotonic() - began:.0f} s; {options.out / 'index.html'} is the contact sheet")
    return 1 if any(row.fault(options.tolerance) for row in rows) else 0


def _develop(paths: Sequence[Path], options: argparse.Namespace) -> dict[Path, Ours]:
    ours = {}
    for path, result in workers.run(develop_file, paths, options.jobs, options.seconds):
        ours[path] = result if isinstance(result, Ours) else Ours.stopped(result)
        if len(ours) % PROGRESS_STEP == 0 or len(ours) == len(paths):
            _progress(f"processed {len(ours):,} of {len(paths):,}")
    return {path: ours[path] for path in paths}


def _show(ours: dict[Path, Ours]) -> dict[Path, chromium.Shown]:
    """Chromium's rendering of every picture in a format that it supports."""
    paths = [path for path, picture in ours.items() if chromium.supports(picture.format)]
    shown: dict[Path, chromium.Shown] = {}
    for batch in chromium.show(paths):
        shown |= batch
        _progress(f"shown in Chromium {len(shown):,} of {len(paths):,}")
    if paths and not shown:
        _progress("without Chromium: nothing is compared")
    return shown


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.corpus",
        description="Process all pictures below a folder. Write a contact sheet with ours beside "
        "Chromium's rendering, and tables of the refusals and the differences, worst first.",
        epilog="Exits with 1 if a picture crashed, took too long, was refused as corrupt although "
        "Chromium shows it, has another size than in Chromium, or differs by more than the "
        "tolerance.",
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="the folder, with its subfolders")
    parser.add_argument("--out", type=Path, default=BUILD, help="for the results (build/corpus)")
    parser.add_argument("--limit", type=_positive, metavar="N", help="only the first N pictures")
    parser.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        default=os.cpu_count() or 1,
        help="processes (one for each core)",
    )
    parser.add_argument(
        "--seconds", type=float, default=60, metavar="S", help="time limit of one picture (60)"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=10,
        metavar="LEVELS",
        help="mean difference of a channel, of 255, that is no fault (10)",
    )
    parser.add_argument("--no-chromium", action="store_true", help="process only, without Chromium")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _progress(line: str) -> None:
    sys.stderr.write(f"  … {line}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
