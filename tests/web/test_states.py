"""Every state of the page, on desk and phone, dark and light: a screenshot and axe for each."""

import uuid

from playwright.sync_api import expect

from tests.web.browser import Visit
from tests.web.fake_api import FLAGGED, QUARANTINED, World


def image(n: int) -> str:
    return str(uuid.UUID(int=n + 1, version=5))


def loaded(visit: Visit, address: str) -> None:
    """Shown, with its pictures in place."""
    visit.page.goto(address)
    expect(visit.page.locator(".skeleton")).to_have_count(0)


def test_the_gallery(seen: Visit, site: str) -> None:
    loaded(seen, site)
    expect(seen.page.get_by_role("link", name="scene-")).not_to_have_count(0)
    seen.look("gallery")


def test_the_gallery_while_it_loads(seen: Visit, site: str, world: World) -> None:
    world.gate.clear()
    seen.page.goto(site, wait_until="domcontentloaded")
    expect(seen.page.locator(".skeleton").first).to_be_visible()
    assert seen.violations() == []
    seen.page.screenshot(path=f"build/screenshots/loading-{seen.size}-{seen.scheme}.png")
    world.gate.set()


def test_the_gallery_narrowed(seen: Visit, site: str) -> None:
    loaded(seen, f"{site}?label=Sun&minConfidence=50&status=completed&from=2026-11-01")
    expect(seen.page.get_by_label("Status")).to_have_value("completed")
    seen.look("filters")


def test_nothing_there_yet(seen: Visit, site: str, world: World) -> None:
    world.photos.clear()
    loaded(seen, site)
    expect(seen.page.get_by_text("Nothing developed yet")).to_be_visible()
    seen.look("empty")


def test_nothing_like_that(seen: Visit, site: str) -> None:
    loaded(seen, f"{site}?label=Zebra")
    expect(seen.page.get_by_text("No photo is like that")).to_be_visible()
    seen.look("no-match")


def test_the_api_is_overloaded(seen: Visit, site: str, world: World) -> None:
    world.down = True
    loaded(seen, site)
    expect(seen.page.get_by_text("Too much is going on")).to_be_visible()
    seen.look("error")


def test_an_image_with_boxes(seen: Visit, site: str) -> None:
    loaded(seen, f"{site}?image={image(2)}")
    finding = seen.page.get_by_role("button", name="Mountain")
    finding.focus()
    expect(seen.page.locator(".box.active")).to_have_count(2)
    seen.look("detail")
    seen.page.screenshot(
        path=f"build/screenshots/detail-whole-{seen.size}-{seen.scheme}.png", full_page=True
    )


def test_a_flagged_image_is_blurred_until_it_is_revealed(seen: Visit, site: str) -> None:
    loaded(seen, f"{site}?image={image(FLAGGED)}")
    expect(seen.page.get_by_text("This photo may be upsetting.")).to_be_visible()
    seen.look("flagged")
    seen.page.get_by_role("button", name="Show it").click()
    expect(seen.page.get_by_role("button", name="Hide it again")).to_be_visible()


def test_a_quarantined_image(seen: Visit, site: str) -> None:
    loaded(seen, f"{site}?image={image(QUARANTINED)}")
    expect(seen.page.get_by_role("button", name="Release")).to_be_visible()
    seen.look("quarantined")


def test_a_failed_image_says_why_and_what_was_cleaned_up(seen: Visit, site: str) -> None:
    loaded(seen, f"{site}?image={image(5)}")
    failure = seen.page.get_by_role("region", name="What failed")
    expect(failure).to_contain_text("The file ends before its picture does.")
    expect(failure).to_contain_text("2 renditions (thumbnail, web)")
    seen.look("failed")


def test_an_image_that_is_not_there(seen: Visit, site: str) -> None:
    loaded(seen, f"{site}?image={image(4000)}")
    expect(seen.page.get_by_text("We know no such photo")).to_be_visible()
    seen.look("unknown")


def test_the_question_before_a_deletion(seen: Visit, site: str) -> None:
    loaded(seen, f"{site}?image={image(2)}")
    seen.page.get_by_role("button", name="Delete").click()
    expect(seen.page.get_by_role("dialog")).to_be_visible()
    seen.look("delete")
