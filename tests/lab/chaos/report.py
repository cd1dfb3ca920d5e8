"""Report the results of the scenarios: a table for people, JSON for programs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.lab.chaos.checks import Figure


@dataclass(frozen=True)
class Result:
    """The figures of one scenario, further counts, and its duration in seconds."""

    name: str
    figures: list[Figure]
    counts: Mapping[str, int]
    seconds: float
    timelines: Mapping[str, list[str]] = field(default_factory=dict)
    """By image, for images that failed a check."""

    @property
    def met(self) -> bool:
        return all(figure.met for figure in self.figures)


def table(results: Iterable[Result]) -> Iterator[str]:
    """One line for each figure: its name, the measured and the expected value, and whether met."""
    rows = [("figure", "measured", "expected", "met")]
    for result in results:
        rows.append((f"{result.name}, {result.seconds:.0f} s", "", "", ""))
        rows += [
            (f"  {figure.name}", figure.measured, figure.expected, "yes" if figure.met else "NO")
            for figure in result.figures
        ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, measured, expected, met in rows:
        cells = f"{name:<{widths[0]}}  {measured:>{widths[1]}}  {expected:<{widths[2]}}  {met}"
        yield cells.rstrip()


def counts(result: Result) -> str:
    """The further counts, in one line."""
    return ", ".join(f"{name} {times:,}" for name, times in sorted(result.counts.items()) if times)


def timelines(result: Result) -> Iterator[str]:
    """The timeline of each image that failed a check."""
    for image, lines in result.timelines.items():
        failed = [f.name for f in result.figures if not f.met and image in str(f.violations)]
        yield f"{image}: {', '.join(failed)}"
        yield from (f"  {line}" for line in lines)


def write(path: Path, results: Iterable[Result], options: Mapping[str, object]) -> None:
    """Write the results and the options as JSON."""
    scenarios = [asdict(result) | {"met": result.met} for result in results]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"options": options, "scenarios": scenarios}, indent=2) + "\n")
