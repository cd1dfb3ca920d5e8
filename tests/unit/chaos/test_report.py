"""The report for people and for programs."""

import json
from pathlib import Path

import pytest

from tests.lab.chaos import report
from tests.lab.chaos.__main__ import conclude
from tests.lab.chaos.checks import Figure
from tests.lab.chaos.report import Result

MET = Figure("outcomes", "300", "300", met=True)
NOT_MET = Figure("orphaned objects", "1", "0", met=False, violations=("renditions/one/0/web.jpeg",))


@pytest.fixture
def result() -> Result:
    return Result(
        "300 images", [MET, NOT_MET], {"calls": 12345, "kills": 0}, 61.4, {"one": ["line"]}
    )


def test_the_table_has_a_line_for_each_figure(result: Result) -> None:
    assert list(report.table([result])) == [
        "figure              measured  expected  met",
        "300 images, 61 s",
        "  outcomes               300  300       yes",
        "  orphaned objects         1  0         NO",
    ]


def test_a_result_with_one_figure_not_met_is_not_met(result: Result) -> None:
    assert not result.met
    assert Result("300 images", [MET], {}, 1).met


def test_the_command_exits_with_one_if_a_figure_is_not_met(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude([result], 125) == 1
    assert capsys.readouterr().out.endswith("A FIGURE IS NOT MET; 2:05 minutes\n")
    assert conclude([Result("300 images", [MET], {}, 1)], 125) == 0


def test_the_timeline_of_an_image_that_failed_a_check_is_shown(result: Result) -> None:
    assert list(report.timelines(result)) == ["one: orphaned objects", "  line"]


def test_the_counts_are_one_line(result: Result) -> None:
    assert report.counts(result) == "calls 12,345"


def test_the_results_are_written_as_json(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "build" / "chaos.json"
    report.write(path, [result], {"seed": 1})
    written = json.loads(path.read_text())
    (scenario,) = written["scenarios"]
    assert (written["options"], scenario["met"]) == ({"seed": 1}, False)
    assert scenario["seconds"] == 61.4
    assert scenario["figures"][1]["violations"] == ["renditions/one/0/web.jpeg"]
