"""The benchmark's report: table, chart, JSON and exit code."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.lab.bench import __main__ as bench
from tests.lab.bench import report
from tests.lab.bench.areas import AREAS
from tests.lab.bench.row import Row, at_least, at_most, without_goal

FACTS: Any = {"area": "renditions", "case": "a < b", "peer_name": "sharp", "unit": "ms CPU"}
FAST = at_most(0.4, ours=30.0, peer=100.0, **FACTS)
SLOW = at_most(0.4, ours=50.0, peer=100.0, **FACTS)


def test_a_ratio_at_the_goal_meets_it_and_a_ratio_beyond_does_not() -> None:
    assert at_most(0.5, ours=50, peer=100, **FACTS).met
    assert at_least(0.5, ours=50, peer=100, **FACTS).met
    assert not SLOW.met
    assert not at_least(0.5, ours=49, peer=100, **FACTS).met


def test_a_row_without_a_goal_is_met() -> None:
    row = without_goal(ours=500, peer=100, **FACTS)
    assert (row.ratio, row.goal, row.met) == (5.0, "", True)


def test_the_json_holds_each_row_with_all_its_fields(tmp_path: Path) -> None:
    report.write(tmp_path, [FAST, SLOW])
    written = json.loads((tmp_path / "bench.json").read_text())
    assert [row["met"] for row in written] == [True, False]
    assert list(written[0]) == [field.name for field in fields(Row)]


def test_the_chart_is_well_formed_and_has_a_bar_for_each_row() -> None:
    drawn = ET.fromstring(report.chart([FAST, SLOW]))
    bars = [bar for bar in drawn.iter("{http://www.w3.org/2000/svg}rect") if bar.get("y")]
    assert [bar.get("fill") for bar in bars] == [report.MET, report.MISSED]
    assert int(bars[0].get("width", 0)) < int(bars[1].get("width", 0))


@pytest.mark.parametrize(("rows", "code"), [([FAST], 0), ([FAST, SLOW], 1)])
def test_the_command_exits_with_one_if_a_goal_is_missed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: list[Row], code: int
) -> None:
    def measured(_progress: Any, _quick: bool) -> Iterator[Row]:
        yield from rows

    monkeypatch.setattr(bench, "rows_of", lambda _area: measured)
    monkeypatch.setattr(bench, "BUILD", tmp_path)
    assert bench.main(["--area", AREAS[0]]) == code
