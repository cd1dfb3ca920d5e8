"""Report the rows: a table for a terminal, a chart as SVG, and JSON for programs."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from xml.sax.saxutils import escape

from tests.lab.bench.row import Row

HEADS = "area", "case", "ours", "peer's", "unit", "peer", "ratio", "goal", "met"

LINE, LABELS, SCALE, MARGIN = 18, 520, 240, 12
"""Layout of the chart, px: row height, width of the text, length of a ratio of 1, margin."""

WIDEST = 2.0
"""The largest ratio that a bar shows."""

MET, MISSED, PLAIN = "#2e7d32", "#c62828", "#90a4ae"


def line(row: Row) -> str:
    """One row, for progress output."""
    return " ".join(word for word in _cells(row) if word)


def table(rows: Iterable[Row]) -> Iterator[str]:
    cells = [HEADS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(
            f"{word:>{width}}" if head in {"ours", "peer's", "ratio"} else f"{word:<{width}}"
            for head, word, width in zip(HEADS, row, widths, strict=True)
        ).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.area,
        row.case,
        f"{row.ours:,.4g}",
        f"{row.peer:,.4g}",
        row.unit,
        row.peer_name,
        f"{row.ratio:.3f}",
        row.goal,
        ("yes" if row.met else "NO") if row.goal else "",
    )


def write(folder: Path, rows: Sequence[Row]) -> None:
    """``bench.json``, a list of rows, and ``bench.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    fields = [asdict(row) for row in rows]
    (folder / "bench.json").write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n")
    (folder / "bench.svg").write_text(chart(rows))


def chart(rows: Sequence[Row]) -> str:
    """An SVG chart with a bar for each row, as long as its ratio; the line marks the peer."""
    height = LINE * (len(rows) + 1) + 2 * MARGIN
    width = LABELS + round(WIDEST * SCALE) + 2 * MARGIN + 60
    peer = LABELS + SCALE
    bars = "\n".join(_bar(row, MARGIN + LINE * (n + 1)) for n, row in enumerate(rows))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"
  font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="{peer}" y="{MARGIN + 10}" text-anchor="middle">the peer</text>
{bars}
<line x1="{peer}" x2="{peer}" y1="{MARGIN + 14}" y2="{height - MARGIN}" stroke="black"/>
</svg>
"""


def _bar(row: Row, top: int) -> str:
    label = escape(f"{row.area}: {row.case} / {row.peer_name}")
    length = round(min(row.ratio, WIDEST) * SCALE)
    colour = (MET if row.met else MISSED) if row.goal else PLAIN
    value = escape(f"{row.ratio:.2f} {f'({row.goal})' if row.goal else ''}".strip())
    return (
        f'<text x="{LABELS - 8}" y="{top + 13}" text-anchor="end">{label}</text>'
        f'<rect x="{LABELS}" y="{top + 2}" width="{length}" height="{LINE - 4}" fill="{colour}"/>'
        f'<text x="{LABELS + length + 4}" y="{top + 13}">{value}</text>'
    )
