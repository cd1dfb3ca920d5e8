"""The command: its pictures, its results and its exit codes."""

import pytest
from PIL import Image

from tests.lab.corpus import __main__ as corpus
from tests.lab.corpus import chromium, files
from tests.lab.corpus.ours import FAILED, develop_file
from tests.pictures import corners, encoded, exif


@pytest.fixture
def folder(tmp_path):
    """A folder with pictures, also without a picture's name or content."""
    below = tmp_path / "pictures" / "below"
    below.mkdir(parents=True)
    (below / "turned.jpg").write_bytes(encoded(corners(), "JPEG", exif=exif(orientation=6)))
    (below / "no-name").write_bytes(encoded(corners(), "PNG"))
    (below / "BROKEN.GIF").write_bytes(b"GIF89a")
    (below / "phone.heic").write_bytes(encoded(corners(), "HEIC"))
    (below / "notes.txt").write_text("no picture")
    return tmp_path / "pictures"


@pytest.fixture
def shown(monkeypatch):
    """Chromium that shows every file as a black picture of 80 x 120."""
    size = chromium.Size(80, 120)
    look = Image.new("RGB", size)
    batch = {}
    monkeypatch.setattr(
        chromium,
        "show",
        lambda paths: iter([batch | dict.fromkeys(paths, chromium.Shown(size, look))]),
    )


def run(folder, tmp_path, *options):
    return corpus.main([str(folder), "--out", str(tmp_path / "out"), "--jobs", "1", *options])


def test_pictures_are_recognized_by_content_or_name(folder):
    names = [path.name for path in files.pictures(folder)]
    assert names == ["BROKEN.GIF", "no-name", "phone.heic", "turned.jpg"]


def test_a_picture_is_processed_to_an_upright_thumbnail(folder):
    ours = develop_file(folder / "below" / "turned.jpg")
    assert (ours.format, ours.size, ours.code) == ("JPEG", (80, 120), "")


def test_a_refusal_has_its_code_and_sentence(folder):
    ours = develop_file(folder / "below" / "BROKEN.GIF")
    assert (ours.format, ours.code) == ("GIF", "truncated")
    assert ours.sentence.endswith(".")


def test_an_unexpected_error_is_a_result(folder, monkeypatch):
    monkeypatch.setattr("tests.lab.corpus.ours.develop", lambda *_: 1 / 0)
    ours = develop_file(folder / "below" / "no-name")
    assert (ours.code, ours.sentence) == (FAILED, "ZeroDivisionError('division by zero')")


def test_the_exit_code_is_zero_without_a_fault(folder, tmp_path, capsys):
    assert run(folder, tmp_path, "--no-chromium") == 0
    assert "4 pictures, 3 rendered" in capsys.readouterr().out
    assert (tmp_path / "out" / "index.html").exists()


def test_the_exit_code_is_one_with_a_fault(folder, tmp_path, shown, capsys):
    assert run(folder, tmp_path) == 1
    assert "1 another size than in Chromium" in capsys.readouterr().out


def test_a_limit_takes_the_first_pictures(folder, tmp_path, capsys):
    run(folder, tmp_path, "--no-chromium", "--limit", "2")
    assert "2 pictures, 1 rendered" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["/nowhere"], ["."], [".", "--jobs", "0"]])
def test_a_wrong_call_is_explained_with_exit_code_two(wrong, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        corpus.main(wrong)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.slow
def test_chromium_shows_pictures_upright_on_white_in_the_size_of_a_thumbnail(
    folder, tmp_path, browser
):
    (tmp_path / "50% #1?.png").write_bytes(encoded(Image.new("RGBA", (600, 300)), "PNG"))
    paths = [*files.pictures(folder), tmp_path / "50% #1?.png"]
    shown = {path.name: picture for path, picture in chromium.shown_in(browser, paths).items()}
    assert shown["BROKEN.GIF"] == chromium.Shown()
    assert shown["turned.jpg"].size == shown["turned.jpg"].look.size == (80, 120)
    assert shown["no-name"].look.getpixel((30, 20)) == (255, 0, 0)
    assert shown["50% #1?.png"].size == (600, 300)
    assert shown["50% #1?.png"].look.size == (256, 128)
    assert shown["50% #1?.png"].look.getcolors() == [(256 * 128, (255, 255, 255))]
