"""Optional tools: tests without their tool are skipped, and one line at the end reports them."""

import os
from collections import Counter
from typing import NoReturn

import pytest


def missing(tool: str, remedy: str, *, promised: bool = True) -> NoReturn:
    """Skip the test that needs this tool. In CI, fail it if the tool is promised there.

    ``remedy`` says how to get the tool.
    """
    reason = f"no {tool}: {remedy}"
    if promised and os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def left_out(skipped: list[pytest.TestReport]) -> str:
    """One line about all skipped tests, by reason; empty if there are none."""
    reasons = Counter(_reason(report) for report in skipped)
    groups = [f"{count} {_tests(count)} ({reason})" for reason, count in reasons.items()]
    return f"left out: {'; '.join(groups)}" if groups else ""


def _reason(report: pytest.TestReport) -> str:
    assert isinstance(report.longrepr, tuple)
    return report.longrepr[2].removeprefix("Skipped: ")


def _tests(count: int) -> str:
    return "test" if count == 1 else "tests"
