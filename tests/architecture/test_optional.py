"""A missing tool skips its tests on a laptop, with one line, and fails them in CI."""

from types import SimpleNamespace

import pytest

from tests.optional import left_out, missing


def skipped(reason: str) -> SimpleNamespace:
    return SimpleNamespace(longrepr=("test_page.py", 1, f"Skipped: {reason}"))


def test_skipped_tests_are_reported_in_one_line_with_the_remedy() -> None:
    chromium, node = "no Chromium: apt-get install chromium", "no Node.js: install it"
    line = left_out([skipped(chromium), skipped(node), skipped(chromium)])
    assert line == f"left out: 2 tests ({chromium}); 1 test ({node})"


def test_without_skipped_tests_there_is_no_line() -> None:
    assert left_out([]) == ""


def test_a_missing_tool_skips_on_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium: install it"):
        missing("Chromium", "install it")


def test_a_missing_tool_fails_in_ci_unless_it_is_not_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Chromium: install it"):
        missing("Chromium", "install it")
    with pytest.raises(pytest.skip.Exception):
        missing("Chromium", "install it", promised=False)
