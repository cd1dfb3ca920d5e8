"""The distribution of tests to processes (``pytest -n auto``): in parts, the longest first.

A part runs in one process, so that a shared emulator or browser starts once. Every other file is a
part of its own.
"""

import re
from collections import Counter, defaultdict

import pytest
from xdist.scheduler import LoadScopeScheduling

PARTS = {
    "MiniStack": r"tests/e2e/(?!test_chaos)(?!.*localstack)",
    "the page": r"tests/web/",
    "chaos": r"tests/e2e/test_chaos",
    "LocalStack": r"tests/e2e/.*localstack",
    "the local Rekognition": r"tests/unit/rekognition/",
}
"""The parts and the beginning of their test ids. The longest part comes first; else it would run
alone at the end."""

APART = (
    "tests/saga/test_simulate.py",
    "tests/unit/local/test_environments.py",
    "tests/saga/test_safeguards.py",
    "tests/architecture/test_guide.py",
    "tests/infra/test_zips.py",
)
"""Files with long tests that share nothing: each test of them is a part."""


def part(node: str) -> str:
    """The part that this test belongs to."""
    for name, beginning in PARTS.items():
        if re.match(beginning, node):
            return name
    file = node.partition("::")[0]
    return node if file in APART else file


def longest_first(node: str) -> int:
    """The sort key of a test: parts first, then the files of ``APART``, then all other files."""
    order = [*PARTS, *APART]
    name = part(node).partition("::")[0]
    return order.index(name) if name in order else len(order)


class ByPart(LoadScopeScheduling):
    """Assigns whole parts to processes, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return part(nodeid)


class Progress:
    """Prints the name of each part when it begins, and the longest parts at the end."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self.terminal = terminal
        self.tests: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        name = self._shown(nodeid)
        if name in PARTS and not self.tests[name]:
            self.terminal.ensure_newline()
            self.terminal.write_line(f"{name} …")
        self.tests[name] += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[self._shown(report.nodeid)] += report.duration

    def _shown(self, nodeid: str) -> str:
        """The part of a test, or its file if each test of the file is a part."""
        return part(nodeid).partition("::")[0]

    def pytest_terminal_summary(self) -> None:
        self.terminal.section("the longest parts")
        for name, seconds in sorted(self.seconds.items(), key=lambda item: -item[1])[:12]:
            self.terminal.write_line(f"{seconds:6.0f} s  {self.tests[name]:4} tests  {name}")
