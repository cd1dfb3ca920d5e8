"""How the tests are run: one after another, or in parts by several processes (tests/parts.py)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.parts import ByPart, Progress, longest_first

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One for each process: Playwright runs once in each, whoever needs it."""
    from tests.web.browser import launched  # noqa: PLC0415 - few tests need what it imports

    with launched() as browser:
        yield browser


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
