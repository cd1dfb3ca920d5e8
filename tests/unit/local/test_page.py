"""When the page is built; what it is made of is built for real in tests/web."""

from pathlib import Path

import pytest

from infra.local import page


@pytest.fixture
def builds(monkeypatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """The builds that were run, each of which leaves a page; the sources are in tmp_path/web."""
    commands = []

    def run(command, *_):
        commands.append(command)
        page.BUILT.mkdir(exist_ok=True)
        (page.BUILT / "index.html").touch()

    (tmp_path / "web" / "node_modules").mkdir(parents=True)
    (tmp_path / "web" / "index.html").write_text("as it was")
    monkeypatch.setattr(page, "SOURCES", tmp_path / "web")
    monkeypatch.setattr(page, "BUILT", tmp_path / "page")
    monkeypatch.setattr(page, "STAMP", tmp_path / "page.sha256")
    monkeypatch.setattr(page, "prepared", lambda _: page.Node(Path("node"), ()))
    monkeypatch.setattr(page, "_run", run)
    return commands


def test_a_page_whose_sources_are_the_same_stays(builds):
    for _ in range(2):
        page.build(print)
        (page.SOURCES / "node_modules" / "a cache").touch()
    assert len(builds) == 1


def test_a_page_is_built_anew_when_a_source_changes_or_is_renamed(builds):
    page.build(print)
    source = page.SOURCES / "index.html"
    source.write_text("as it is")
    page.build(print)
    source.rename(page.SOURCES / "other.html")
    page.build(print)
    assert len(builds) == 3


def test_a_page_of_which_nothing_is_left_is_built_anew(builds):
    page.build(print)
    (page.BUILT / "index.html").unlink()
    page.build(print)
    assert len(builds) == 2


def test_a_build_that_failed_is_tried_again_though_its_sources_stand_as_before(builds, monkeypatch):
    page.build(print)
    before = (page.SOURCES / "index.html").read_text()
    (page.SOURCES / "index.html").write_text("broken")
    with monkeypatch.context() as failing:
        failing.setattr(page, "_run", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            page.build(print)
    (page.SOURCES / "index.html").write_text(before)
    page.build(print)
    assert len(builds) == 2
