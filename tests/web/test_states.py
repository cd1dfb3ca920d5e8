"""Every state of the page on both screens and in both themes: a screenshot and axe's checks."""

import uuid

from playwright.sync_api import expect

from tests.web.browser import Visit
from tests.web.fake_api import FLAGGED, QUARANTINED, UNUSUAL, Backend


def image(n: int) -> str:
    """The id of the n-th scene."""
    return str(uuid.UUID(int=n + 1, version=5))


def open_page(visit: Visit, address: str) -> None:
    """Open an address and wait until it has loaded."""
    visit.page.goto(address)
    expect(visit.page.locator(".skeleton")).to_have_count(0)


def test_the_gallery(screen: Visit, site: str) -> None:
    open_page(screen, site)
    expect(screen.page.get_by_role("link", name="scene-")).not_to_have_count(0)
    screen.check("gallery")


def test_the_gallery_while_it_loads(screen: Visit, site: str, backend: Backend) -> None:
    backend.gate.clear()
    screen.page.goto(site, wait_until="domcontentloaded")
    expect(screen.page.locator(".skeleton").first).to_be_visible()
    assert screen.violations() == []
    screen.page.screenshot(path=f"build/screenshots/loading-{screen.size}-{screen.scheme}.png")
    backend.gate.set()


def test_the_gallery_before_its_pictures(screen: Visit, site: str) -> None:
    screen.page.route("**/pictures/**", lambda _: None)
    open_page(screen, site)
    expect(screen.page.locator(".tile canvas").first).to_be_visible()
    assert screen.violations() == []
    screen.page.screenshot(path=f"build/screenshots/placeholders-{screen.size}-{screen.scheme}.png")


def test_an_image_before_its_picture(screen: Visit, site: str) -> None:
    screen.page.route("**/pictures/**", lambda _: None)
    open_page(screen, f"{site}?image={image(UNUSUAL)}")
    expect(screen.page.locator("figure canvas")).to_be_visible()
    assert screen.violations() == []
    screen.page.screenshot(path=f"build/screenshots/placeholder-{screen.size}-{screen.scheme}.png")


def test_the_gallery_with_filters(screen: Visit, site: str) -> None:
    open_page(screen, f"{site}?label=Sun&minConfidence=50&status=completed&from=2026-11-01")
    expect(screen.page.get_by_label("Status")).to_have_value("completed")
    screen.check("filters")


def test_the_empty_gallery(screen: Visit, site: str, backend: Backend) -> None:
    backend.photos.clear()
    open_page(screen, site)
    expect(screen.page.get_by_text("No photos yet")).to_be_visible()
    screen.check("empty")


def test_filters_without_a_match(screen: Visit, site: str) -> None:
    open_page(screen, f"{site}?label=Zebra")
    expect(screen.page.get_by_text("No photo matches")).to_be_visible()
    screen.check("no-match")


def test_the_api_is_unavailable(screen: Visit, site: str, backend: Backend) -> None:
    backend.down = True
    open_page(screen, site)
    expect(screen.page.get_by_text("The service cannot answer now")).to_be_visible()
    screen.check("error")


def test_an_image_with_boxes(screen: Visit, site: str) -> None:
    open_page(screen, f"{site}?image={image(2)}")
    finding = screen.page.get_by_role("button", name="Mountain")
    finding.focus()
    expect(screen.page.locator(".box.active")).to_have_count(2)
    screen.check("detail")
    screen.page.screenshot(
        path=f"build/screenshots/detail-whole-{screen.size}-{screen.scheme}.png", full_page=True
    )


def test_a_flagged_image_is_blurred_until_it_is_revealed(screen: Visit, site: str) -> None:
    open_page(screen, f"{site}?image={image(FLAGGED)}")
    expect(screen.page.get_by_text("This photo may be upsetting.")).to_be_visible()
    screen.check("flagged")
    screen.page.get_by_role("button", name="Show it").click()
    expect(screen.page.get_by_role("button", name="Hide it again")).to_be_visible()


def test_a_quarantined_image(screen: Visit, site: str) -> None:
    open_page(screen, f"{site}?image={image(QUARANTINED)}")
    expect(screen.page.get_by_role("button", name="Release")).to_be_visible()
    screen.check("quarantined")


def test_a_failed_image_shows_its_failure_and_its_compensation(screen: Visit, site: str) -> None:
    open_page(screen, f"{site}?image={image(5)}")
    failure = screen.page.get_by_role("region", name="Failure")
    expect(failure).to_contain_text("The file ends before its picture does.")
    expect(failure).to_contain_text("2 renditions (thumbnail, web)")
    screen.check("failed")


def test_an_unusual_image_shows_its_details(screen: Visit, site: str) -> None:
    open_page(screen, f"{site}?image={image(UNUSUAL)}")
    facts = screen.page.get_by_role("region", name="Details")
    for name, text in (
        ("HDR", "Reduced to the range of a standard display"),
        ("Gain map", "Dropped; the renditions show the standard picture"),
        ("Animation", "12 frames, 1.2 s"),
        ("Warnings", "The file ends without its end marker. The picture is complete."),
    ):
        expect(facts.get_by_text(name, exact=True).locator("xpath=..")).to_have_text(name + text)
    facts.scroll_into_view_if_needed()
    screen.check("unusual")


def test_an_ordinary_image_shows_no_such_details(visit: Visit, site: str) -> None:
    open_page(visit, f"{site}?image={image(UNUSUAL + 1)}")
    facts = visit.page.get_by_role("region", name="Details")
    expect(facts.get_by_text("Original", exact=True)).to_be_visible()
    for name in ("HDR", "Gain map", "Animation", "Warnings"):
        expect(facts.get_by_text(name, exact=True)).to_have_count(0)


def test_an_unknown_image(screen: Visit, site: str) -> None:
    open_page(screen, f"{site}?image={image(4000)}")
    expect(screen.page.get_by_text("There is no such photo")).to_be_visible()
    screen.check("unknown")


def test_the_confirmation_of_a_deletion(screen: Visit, site: str) -> None:
    open_page(screen, f"{site}?image={image(2)}")
    screen.page.get_by_role("button", name="Delete").click()
    expect(screen.page.get_by_role("dialog")).to_be_visible()
    screen.check("delete")
