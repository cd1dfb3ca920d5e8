"""How the tests are dealt to several processes (``pytest -n auto``): in parts, the longest first.

A part stays in one process, so what its tests share, an emulator or a browser, starts once. Any
other file is a part of its own.
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
"""What the nodes of each begin with; the one that takes longest first, so that none is left alone
at the end."""

APART = (
    "tests/saga/test_simulate.py",
    "tests/unit/local/test_environments.py",
    "tests/saga/test_safeguards.py",
    "tests/architecture/test_guide.py",
    "tests/infra/test_zips.py",
)
"""Files whose tests share nothing and are long: each of them is a part."""


def part(node: str) -> str:
    """The part that this test belongs to."""
    for name, beginning in PARTS.items():
        if re.match(beginning, node):
            return name
    file = node.partition("::")[0]
    return node if file in APART else file


def longest_first(node: str) -> int:
    """Sorts tests: what stays together first, then what can be dealt one by one, then the rest."""
    order = [*PARTS, *APART]
    found = part(node).partition("::")[0]
    return order.index(found) if found in order else len(order)


class ByPart(LoadScopeScheduling):
    """Hands out whole parts, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return part(nodeid)


class Progress:
    """Says which part begins, and in the end how long each took: dots alone do not."""

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
        """The part, or the file of those that are dealt test by test."""
        return part(nodeid).partition("::")[0]

    def pytest_terminal_summary(self) -> None:
        self.terminal.section("the longest parts")
        for name, seconds in sorted(self.seconds.items(), key=lambda item: -item[1])[:12]:
            self.terminal.write_line(f"{seconds:6.0f} s  {self.tests[name]:4} tests  {name}")
