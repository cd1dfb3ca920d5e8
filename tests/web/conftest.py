"""The page, built once, with a fake backend for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from infra.deploy.page import build
from tests.web.browser import Visit, visiting
from tests.web.fake_api import Backend, filled_backend, serving

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here builds the page, and starts a browser."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def built() -> Path:
    return build(print)


@pytest.fixture
def backend() -> Backend:
    return filled_backend()


@pytest.fixture
def site(built: Path, backend: Backend) -> Iterator[str]:
    with serving(built, backend) as address:
        yield address


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    with visiting(browser) as visit:
        yield visit


@pytest.fixture(params=[("desktop", "dark"), ("phone", "light")], ids="-".join)
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Visit]:
    """A browser page for each screen size and theme. No style depends on both at once."""
    with visiting(browser, *request.param) as visit:
        yield visit
