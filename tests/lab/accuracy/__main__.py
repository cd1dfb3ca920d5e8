"""Measures the accuracy of the local Rekognition for docs/accuracy.md (``make accuracy``)."""

import sys

from infra.rekognition import models
from tests.lab.accuracy import report, score, truth
from tests.lab.accuracy.operations import operations

DOCUMENT = truth.ROOT / "docs" / "accuracy.md"


def main() -> int:
    """Return 0, or 1 if a count is below its minimum."""
    models.ensure(models.default_directory(), say)
    expected = truth.load()
    calls = operations(models.default_directory())
    scores = score.scores(calls, expected)
    say(report.table(scores))
    DOCUMENT.write_text(report.document(scores, score.limits(calls)), encoding="utf-8")
    say(f"written to {DOCUMENT.relative_to(truth.ROOT)}")
    below = [each.name for each in scores if each.correct < expected.minimum[each.name]]
    for name in below:
        say(f"below the minimum in truth.toml: {name}")
    return 1 if below else 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
