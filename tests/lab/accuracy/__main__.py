"""Counts what the local Rekognition gets right, and writes it down. Run by ``make accuracy``."""

import sys

from infra.rekognition import models
from tests.lab.accuracy import report, score, truth
from tests.lab.accuracy.asking import asking

PAGE = truth.ROOT / "docs" / "accuracy.md"


def main() -> int:
    """0, or 1 where less is right than has to be."""
    models.ensure(models.default_directory(), say)
    known = truth.load()
    ask = asking(models.default_directory())
    scores = score.scores(ask, known)
    say(report.table(scores))
    PAGE.write_text(report.page(scores, score.limits(ask)), encoding="utf-8")
    say(f"written to {PAGE.relative_to(truth.ROOT)}")
    worse = [each.what for each in scores if each.right < known.least[each.what]]
    for what in worse:
        say(f"worse than truth.toml has it: {what}")
    return 1 if worse else 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
