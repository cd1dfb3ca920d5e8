"""The tables and the contact sheet, the worst first."""

import csv

from PIL import Image

from services.resize.pictures.values import Size
from tests.lab.corpus import report
from tests.lab.corpus.chromium import Shown
from tests.lab.corpus.ours import Ours
from tests.lab.corpus.row import Row
from tests.pictures import encoded

SIZE = Size(40, 30)


def rendered(name, level, size=SIZE):
    """A grey picture that is black in Chromium."""
    body = encoded(Image.new("RGB", size, (level,) * 3), "PNG")
    return Row(name, Ours("PNG", size, body), Shown(SIZE, Image.new("RGB", SIZE)))


def refused(name, code, shown):
    looks = Shown(SIZE, Image.new("RGB", SIZE)) if shown else Shown()
    return Row(name, Ours("GIF", code=code, sentence="A | bar."), looks)


ROWS = [
    rendered("good.png", 1),
    rendered("bad.png", 90),
    rendered("turned.png", 0, Size(30, 40)),
    Row("phone.heic", Ours("HEIC", SIZE, encoded(Image.new("RGB", SIZE), "PNG")), None),
    refused("not-shown.gif", "corrupt", shown=False),
    refused("cut.gif", "truncated", shown=True),
    refused("<b>.gif", "corrupt", shown=True),
]


def test_the_differences_begin_with_other_sizes_and_go_on_with_the_largest():
    names = [row[0] for row in report.differences(ROWS)[1:]]
    assert names == ["turned.png", "bad.png", "good.png"]


def test_the_refusals_begin_with_what_chromium_shows():
    names = [row[0] for row in report.refusals(ROWS)[1:]]
    assert names == ["<b>.gif", "cut.gif", "not-shown.gif"]


def test_the_summary_counts_refusals_comparisons_and_faults():
    assert [line.strip() for line in report.summary(ROWS, 10)] == [
        "7 pictures, 4 rendered",
        "2 refused: corrupt",
        "1 refused: truncated",
        "3 compared with Chromium",
        "1 in formats that Chromium does not show",
        "3 faults",
        "1 other colours than in Chromium",
        "1 another size than in Chromium",
        "1 refused as corrupt, but Chromium shows it",
    ]


def test_both_tables_are_written_as_csv_and_markdown(tmp_path):
    report.write(tmp_path, ROWS, 10)
    with (tmp_path / "refusals.csv").open(newline="") as file:
        assert next(row for row in csv.reader(file) if row[0] == "cut.gif") == [
            "cut.gif",
            "GIF",
            "truncated",
            "A | bar.",
            "shown",
        ]
    with (tmp_path / "differences.csv").open(newline="") as file:
        assert next(row for row in csv.reader(file) if row[0] == "bad.png")[2:6] == [
            "40x30",
            "90.0",
            "90.0",
            "90.0",
        ]
    markdown = (tmp_path / "corpus.md").read_text()
    assert "| cut.gif | GIF | truncated | A \\| bar. | shown |" in markdown
    assert "| bad.png | PNG | 40x30 | 90.0 |" in markdown


def test_the_contact_sheet_shows_each_picture_beside_chromiums(tmp_path):
    report.write(tmp_path, ROWS, 10)
    sheet = (tmp_path / "index.html").read_text()
    assert sheet.index("turned.png") < sheet.index("bad.png") < sheet.index("phone.heic")
    assert "&lt;b&gt;.gif" in sheet
    assert sheet.count("class=fault") == 3
    assert sheet.count("<img") == len(list((tmp_path / "pictures").iterdir())) == 9
    assert Image.open(tmp_path / "pictures" / "00001-ours.png").getpixel((5, 5)) == (90,) * 3
