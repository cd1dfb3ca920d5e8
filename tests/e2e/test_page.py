"""The page on a deployed stage: a real browser, the real API, real pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from infra.deploy.page import build
from infra.local.page import publish
from tests.web.browser import Visit, visiting
from tests.web.gestures import upload_find_and_delete

COFFEE = Path(__file__).parents[1] / "unit" / "rekognition" / "photos" / "coffee.jpg"


@pytest.fixture(params=["ministack", "localstack"])
def visit(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Visit]:
    """The gallery, served from the emulator's bucket."""
    stack = request.getfixturevalue(request.param)
    outputs = stack.outputs
    address = publish(build(print), outputs.addresses["api"], outputs, stack.clients)
    with visiting(browser) as visit:
        visit.page.goto(address)
        yield visit


def test_a_photo_from_upload_to_deletion_on_the_deployed_stage(visit: Visit, cat: Path) -> None:
    upload_find_and_delete(visit.page, cat.read_bytes(), COFFEE.read_bytes())
    visit.check("stack")
