"""What a run says in the end: one table for people, the same as JSON for programs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.lab.chaos.judge import Figure


@dataclass(frozen=True)
class Part:
    """One of the runs: its figures, what else was counted, and how many seconds it took."""

    name: str
    figures: list[Figure]
    counts: Mapping[str, int]
    seconds: float
    timelines: Mapping[str, list[str]] = field(default_factory=dict)
    """Of the images that broke a promise."""

    @property
    def met(self) -> bool:
        return all(figure.met for figure in self.figures)


def table(parts: Iterable[Part]) -> Iterator[str]:
    """Figure, what it came to, what was promised, and whether that was met; a line each."""
    rows = [("figure", "got", "promised", "met")]
    for part in parts:
        rows.append((f"{part.name}, {part.seconds:.0f} s", "", "", ""))
        rows += [
            (f"  {one.name}", one.got, one.promised, "yes" if one.met else "NO")
            for one in part.figures
        ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, got, promised, met in rows:
        yield f"{name:<{widths[0]}}  {got:>{widths[1]}}  {promised:<{widths[2]}}  {met}".rstrip()


def counts(part: Part) -> str:
    """What else was counted, in one line."""
    return ", ".join(f"{name} {times:,}" for name, times in sorted(part.counts.items()) if times)


def explained(part: Part) -> Iterator[str]:
    """The timeline of each image that broke a promise."""
    for image, lines in part.timelines.items():
        broken = [one.name for one in part.figures if not one.met and image in str(one.about)]
        yield f"{image}: {', '.join(broken)}"
        yield from (f"  {line}" for line in lines)


def write(path: Path, parts: Iterable[Part], asked: Mapping[str, object]) -> None:
    """The same as JSON, with what was asked for."""
    told = [asdict(part) | {"met": part.met} for part in parts]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"asked": asked, "parts": told}, indent=2) + "\n")
