"""Writes the contact sheet and the tables of refusals and differences, the worst first."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from tests.lab.corpus.chromium import supports
from tests.lab.corpus.ours import FAILED
from tests.lab.corpus.row import Row, on_white

Table = Sequence[tuple[str, ...]]

REFUSALS = ("picture", "format", "code", "sentence", "in Chromium")
DIFFERENCES = ("picture", "format", "size", "mean R", "G", "B", "max R", "G", "B", "details")
ORDER = [FAILED, "corrupt", "too-costly", "truncated"]
"""The codes whose refusals come first."""

STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; background: #eee; color: #222 }
section { display: flex; flex-wrap: wrap; gap: 1em }
figure { margin: 0; padding: .5em; background: #fff; border: 3px solid #fff; max-width: 530px }
figure.fault { border-color: #c33 }
figure img { max-width: 256px; max-height: 256px; vertical-align: top; outline: 1px solid #ddd }
figcaption { margin-top: .5em; overflow-wrap: anywhere }
"""


def write(folder: Path, rows: Sequence[Row], tolerance: float) -> None:
    """Write ``index.html`` with its pictures, ``corpus.md`` and both tables as CSV."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for name, table in (("refusals", refusals(rows)), ("differences", differences(rows))):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(table)
    (folder / "corpus.md").write_text(_markdown(rows, tolerance))
    (folder / "index.html").write_text(_sheet(folder, rows, tolerance))


def summary(rows: Sequence[Row], tolerance: float) -> Iterator[str]:
    """Lines with the counts."""
    yield f"{len(rows):,} pictures, {sum(not row.refused for row in rows):,} rendered"
    codes = Counter(row.ours.code for row in rows if row.refused)
    yield from (f"{count:6,} refused: {code}" for code, count in codes.most_common())
    yield f"{sum(row.difference is not None for row in rows):6,} compared with Chromium"
    others = sum(not row.refused and not supports(row.ours.format) for row in rows)
    yield f"{others:6,} in formats that Chromium does not show"
    faults = Counter(fault for row in rows if (fault := row.fault(tolerance)))
    yield f"{faults.total():6,} faults"
    yield from (f"{count:6,} {fault}" for fault, count in faults.most_common())


def refusals(rows: Iterable[Row]) -> Table:
    """The refused pictures: first those that Chromium shows, then by code."""
    return [REFUSALS] + [
        (row.name, row.ours.format, row.ours.code, row.ours.sentence, row.in_chromium)
        for row in _refused(rows)
    ]


def differences(rows: Iterable[Row]) -> Table:
    """The compared pictures, the worst first."""
    return [DIFFERENCES] + [
        (
            row.name,
            row.ours.format,
            row.sizes,
            *map(str, row.difference.mean),
            *map(str, row.difference.largest),
            row.ours.details,
        )
        for row in _worst_first(rows)
        if row.difference
    ]


def _refused(rows: Iterable[Row]) -> list[Row]:
    def order(row: Row) -> tuple[bool, int, str, str]:
        code = row.ours.code
        rank = ORDER.index(code) if code in ORDER else len(ORDER)
        return row.in_chromium != "shown", rank, code, row.name

    return sorted((row for row in rows if row.refused), key=order)


def _worst_first(rows: Iterable[Row]) -> list[Row]:
    """The rendered pictures. Those without a comparison are last."""
    rendered = [row for row in rows if not row.refused]
    return sorted(rendered, key=lambda row: row.badness, reverse=True)


def _markdown(rows: Sequence[Row], tolerance: float) -> str:
    lines = [f"- {line.strip()}" for line in summary(rows, tolerance)]
    for title, table in (("Refusals", refusals(rows)), ("Differences", differences(rows))):
        header, *body = [f"| {' | '.join(map(_cell, row))} |" for row in table]
        lines += ["", f"## {title}", header, "|" + "---|" * len(table[0]), *body]
    return "\n".join(["# Corpus", "", *lines, ""])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _sheet(folder: Path, rows: Sequence[Row], tolerance: float) -> str:
    ordered = [*_worst_first(rows), *_refused(rows)]
    figures = [_figure(folder, n, row, tolerance) for n, row in enumerate(ordered)]
    rendered = sum(not row.refused for row in rows)
    counts = "".join(f"<li>{escape(line)}" for line in summary(rows, tolerance))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Corpus</title>'
        f"<style>{STYLE}</style><h1>Corpus</h1><ul>{counts}</ul>"
        "<h2>Ours beside Chromium's, the worst difference first</h2>"
        f"<section>{''.join(figures[:rendered])}</section>"
        f"<h2>Refused</h2><section>{''.join(figures[rendered:])}</section>"
    )


def _figure(folder: Path, n: int, row: Row, tolerance: float) -> str:
    """Our picture beside Chromium's, with the facts. It writes both pictures into the folder."""
    looks = {
        "ours": None if row.refused else on_white(row.ours.thumbnail),
        "chromium": row.shown.look if row.shown else None,
    }
    images = []
    for whose, look in looks.items():
        if look:
            name = f"pictures/{n:05}-{whose}.png"
            look.save(folder / name)
            images.append(f'<img loading="lazy" src="{name}" alt="{whose}">')
    fault = row.fault(tolerance)
    facts = [row.name, row.ours.format, row.sizes, row.ours.details, row.ours.sentence, fault]
    if row.difference:
        facts.insert(3, f"mean {row.difference.mean}, max {row.difference.largest}")
    return (
        f"<figure{' class=fault' if fault else ''}>{' '.join(images)}"
        f"<figcaption>{escape(' · '.join(filter(None, facts)))}</figcaption></figure>"
    )
