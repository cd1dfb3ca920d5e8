"""What people and programs read in the end."""

import json
from pathlib import Path

import pytest

from tests.lab.chaos import report
from tests.lab.chaos.__main__ import conclude
from tests.lab.chaos.judge import Figure
from tests.lab.chaos.report import Part

KEPT = Figure("outcomes", "300", "300", met=True)
BROKEN = Figure("orphaned objects", "1", "0", met=False, about=("renditions/one/0/web.jpeg",))


@pytest.fixture
def part() -> Part:
    return Part("300 images", [KEPT, BROKEN], {"calls": 12345, "kills": 0}, 61.4, {"one": ["line"]})


def test_the_table_has_a_line_for_each_figure(part: Part) -> None:
    assert list(report.table([part])) == [
        "figure              got  promised  met",
        "300 images, 61 s",
        "  outcomes          300  300       yes",
        "  orphaned objects    1  0         NO",
    ]


def test_one_figure_missed_is_the_whole_run_missed(part: Part) -> None:
    assert not part.met
    assert Part("300 images", [KEPT], {}, 1).met


def test_the_command_ends_with_one_if_a_figure_is_missed(
    part: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude([part], 125) == 1
    assert capsys.readouterr().out.endswith("A FIGURE IS MISSED; 2:05 minutes\n")
    assert conclude([Part("300 images", [KEPT], {}, 1)], 125) == 0


def test_an_image_that_broke_a_promise_is_shown_with_its_timeline(part: Part) -> None:
    assert list(report.explained(part)) == ["one: orphaned objects", "  line"]


def test_what_was_counted_is_one_line(part: Part) -> None:
    assert report.counts(part) == "calls 12,345"


def test_the_same_is_written_for_programs(part: Part, tmp_path: Path) -> None:
    path = tmp_path / "build" / "chaos.json"
    report.write(path, [part], {"seed": 1})
    told = json.loads(path.read_text())
    (written,) = told["parts"]
    assert (told["asked"], written["met"], written["seconds"]) == ({"seed": 1}, False, 61.4)
    assert written["figures"][1]["about"] == ["renditions/one/0/web.jpeg"]
