"""Fixtures and hooks of all tests.

`make test` runs the tests without the mark ``slow``, and `make test-rest` those with it: they
install packages, fork, fuzz, or start an emulator or a browser. Several processes share the tests
(tests/parts.py). A property draws a quarter of its examples, unless CI is set or
``--hypothesis-profile thorough`` is given. Tests skipped for a missing tool are reported in one
line (tests/optional.py).
"""

import gc
import os
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from hypothesis import settings

from tests.optional import left_out
from tests.parts import ByPart, Progress, longest_first

if TYPE_CHECKING:
    from playwright.sync_api import Browser

gc.disable()  # until all tests are collected
settings.register_profile("thorough", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=25)
settings.load_profile("thorough" if os.environ.get("CI") else "quick")


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One browser for each process, because Playwright can run only once in a process."""
    from tests.web.browser import launched  # noqa: PLC0415 - most tests need no Playwright

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session", autouse=True)
def botocore_loader() -> Iterator[None]:
    """Cache the service models of botocore for the whole process instead of one test."""
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
    config.option.loadscopereorder = (
        False  # True would begin with the parts that have the most tests
    )
    return ByPart(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the tests in worker processes, whose scheduler assigns whole parts."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: longest_first(item.nodeid))


def pytest_collection_finish() -> None:
    """Spare the garbage collector all that was imported: it takes a twentieth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if line := left_out(terminalreporter.stats.get("skipped", [])):
        terminalreporter.ensure_newline()
        terminalreporter.write_line(line)
