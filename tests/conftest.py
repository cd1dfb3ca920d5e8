"""How the tests are run.

`make test` runs the tests without the mark ``slow``, `make test-rest` those with it: they install,
fork, fuzz, or start an emulator or a browser. Several processes share the tests (tests/parts.py).
Missing optional tools are one line at the end (tests/optional.py).
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

from tests.optional import left_out
from tests.parts import ByPart, Progress, longest_first

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One for each process: Playwright runs once in each, whoever needs it."""
    from tests.web.browser import launched  # noqa: PLC0415 - few tests need what it imports

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session", autouse=True)
def botocore_loader() -> Iterator[None]:
    """AWS's service descriptions are parsed once a process, not once a test: moto's AWS is new."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if config.getoption("numprocesses", None):
        terminal = config.pluginmanager.getplugin("terminalreporter")
        config.pluginmanager.register(Progress(terminal))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByPart:
    config.option.loadscopereorder = False  # it would put the parts of the most tests first
    return ByPart(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only the processes that tests are dealt to know of each other."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: longest_first(item.nodeid))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if line := left_out(terminalreporter.stats.get("skipped", [])):
        terminalreporter.ensure_newline()
        terminalreporter.write_line(line)
