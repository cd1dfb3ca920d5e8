"""What people do on the page, done by a real browser; how it looks is the other file's."""

import json
import re
import struct
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.browser import Visit
from tests.web.fake_api import World
from tests.web.gestures import a_photo_from_drop_to_deletion, drop, paste, pick, row

ROOT = Path(__file__).parents[2]
CAT = (ROOT / "infra" / "local" / "samples" / "cat.jpg").read_bytes()
COFFEE = (ROOT / "tests" / "unit" / "rekognition" / "photos" / "coffee.jpg").read_bytes()
JPEG = "image/jpeg"
SECOND = str(uuid.UUID(int=3, version=5))


@pytest.fixture
def here(visit: Visit, site: str) -> Visit:
    """The gallery, as somebody finds it who opens the page."""
    visit.page.goto(site)
    expect(visit.page.locator(".skeleton")).to_have_count(0)
    return visit


def test_a_photo_from_drop_to_deletion(here: Visit) -> None:
    a_photo_from_drop_to_deletion(here.page, CAT, COFFEE)


def test_a_pasted_picture_is_sent(here: Visit) -> None:
    paste(here.page, CAT)
    expect(row(here.page, "pasted.jpg")).to_contain_text("Ready")


def test_the_bucket_gets_the_bytes_that_were_picked(here: Visit, world: World) -> None:
    pick(here.page, {"cat.jpg": (JPEG, CAT)})
    expect(row(here.page, "cat.jpg")).to_contain_text("Ready")
    assert world.photos[0].body == CAT


def test_the_preview_is_there_before_anything_was_sent(here: Visit) -> None:
    here.page.route("**/upload-url", lambda _: None)
    drop(here.page, {"cat.jpg": CAT})
    preview = row(here.page, "cat.jpg").locator("img")
    expect(preview).to_have_js_property("naturalWidth", 451)


def huge(width: int, height: int) -> bytes:
    """A PNG's beginning, of which the page reads the sides."""
    head = struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + head


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (("notes.pdf", "application/pdf", b"%PDF"), "of the type application/pdf"),
        (("mystery", "", b"?"), "no picture we know"),
        (("empty.jpg", JPEG, b""), "This file is empty."),
        (("large.jpg", JPEG, b"x" * 2001), "2.0 kB is the most we take"),
        (("wide.png", "image/png", huge(20_000, 10_000)), "200 megapixels; 100 is the most"),
    ],
)
def test_what_cannot_work_is_told_and_not_sent(
    visit: Visit, site: str, file: tuple[str, str, bytes], why: str
) -> None:
    name, *content = file
    settings = {"api": "/api", "stage": "test", "limits": {"bytes": 2000, "pixels": 100_000_000}}
    visit.page.route("**/config.json", lambda route: route.fulfill(body=json.dumps(settings)))
    visit.page.goto(site)
    pick(visit.page, {name: content})
    expect(row(visit.page, name)).to_contain_text(why)
    expect(row(visit.page, name)).to_have_attribute("data-state", "refused")


def test_an_upload_can_be_cancelled_and_sent_again(here: Visit) -> None:
    here.page.route("**/bucket", lambda _: None)  # it never answers
    drop(here.page, {"cat.jpg": CAT})
    cat = row(here.page, "cat.jpg")
    cat.get_by_role("button", name="Cancel").click()
    expect(cat).to_contain_text("Cancelled")
    here.page.unroute("**/bucket")
    cat.get_by_role("button", name="Try again").click()
    expect(cat).to_contain_text("Ready")


def test_a_broken_connection_is_told_and_can_be_tried_again(here: Visit) -> None:
    here.page.route("**/bucket", lambda route: route.abort())
    drop(here.page, {"cat.jpg": CAT})
    cat = row(here.page, "cat.jpg")
    expect(cat).to_contain_text("The connection broke.")
    here.page.unroute("**/bucket")
    cat.get_by_role("button", name="Try again").click()
    expect(cat).to_contain_text("Ready")


def test_what_the_bucket_refuses_says_why(here: Visit) -> None:
    refusal = "<Error><Code>EntityTooLarge</Code></Error>"
    here.page.route("**/bucket", lambda route: route.fulfill(status=400, body=refusal))
    drop(here.page, {"cat.jpg": CAT})
    expect(row(here.page, "cat.jpg")).to_contain_text("larger than was agreed")


def test_many_files_are_all_sent_and_followed_by_few_questions(here: Visit, world: World) -> None:
    world.asked.clear()
    drop(here.page, {f"cat-{n}.jpg": CAT for n in range(20)})
    status = here.page.get_by_role("region", name="Uploads").get_by_role("status")
    expect(status).to_have_text("20 photos finished")
    about = [path for path in world.asked if path.startswith("/results/")]
    assert len(about) <= 3 * 10  # three at a time are asked about; the list tells of the others


def test_a_long_wait_goes_on_in_the_background_and_says_so(
    visit: Visit, site: str, world: World
) -> None:
    world.silent = True
    visit.page.clock.install()
    visit.page.goto(site)
    expect(visit.page.locator(".skeleton")).to_have_count(0)
    drop(visit.page, {"cat.jpg": CAT})
    expect(row(visit.page, "cat.jpg")).to_contain_text("waiting for the first service")
    visit.page.clock.run_for(70_000)
    expect(visit.page.get_by_text("We go on looking in the background")).to_be_visible()
    visit.look("background")
    world.asked.clear()
    visit.page.clock.run_for(60_000)
    assert len([path for path in world.asked if path.startswith("/results/")]) <= 5


def test_what_is_on_its_way_looks_right(here: Visit) -> None:
    here.page.route("**/bucket", lambda _: None)
    drop(here.page, {"cat.jpg": CAT, "coffee.jpg": COFFEE, "empty.jpg": b""})
    expect(row(here.page, "coffee.jpg")).to_contain_text("Sending")
    here.look("uploads")


def test_the_end_of_the_list_brings_more_of_it(here: Visit) -> None:
    cards = here.page.locator(".sheet").get_by_role("link")
    expect(cards).to_have_count(40)
    here.page.mouse.wheel(0, 20_000)
    expect(cards).to_have_count(60)
    expect(here.page.get_by_text("That is all.")).to_be_visible()


def test_filters_stand_in_the_address_and_survive_a_reload(here: Visit) -> None:
    here.page.get_by_role("button", name="Nature").click()
    expect(here.page).to_have_url(re.compile("label=Nature"))
    expect(here.page.locator(".sheet").get_by_role("link")).to_have_count(20)
    here.page.reload()
    expect(here.page.get_by_role("button", name="Nature")).to_have_attribute("aria-pressed", "true")
    expect(here.page.locator(".sheet").get_by_role("link")).to_have_count(20)


def test_search_takes_a_label_however_it_is_written(here: Visit) -> None:
    here.page.get_by_label("Search for what is in the photo").fill("nature")
    here.page.keyboard.press("Enter")
    expect(here.page).to_have_url(re.compile("label=Nature"))


def test_back_leads_to_the_card_that_was_opened(here: Visit) -> None:
    card = here.page.locator(".sheet").get_by_role("link", name="scene-02.jpg")
    card.click()
    expect(here.page.get_by_role("heading", name="scene-02.jpg")).to_be_focused()
    here.page.go_back()
    expect(card).to_be_focused()


def test_a_box_is_shown_by_keyboard_alone(visit: Visit, site: str) -> None:
    visit.page.goto(f"{site}?image={SECOND}")
    finding = visit.page.get_by_role("button", name="Sun")
    expect(visit.page.get_by_role("heading", level=1)).to_be_focused()
    while not finding.evaluate("one => one === document.activeElement"):
        visit.page.keyboard.press("Tab")
    expect(visit.page.locator(".box.active")).to_contain_text("Sun 91 %")


def test_the_dialog_keeps_the_focus_and_gives_it_back(visit: Visit, site: str) -> None:
    visit.page.goto(f"{site}?image={SECOND}")
    visit.page.get_by_role("button", name="Delete").click()
    inside = "document.querySelector('dialog').contains(document.activeElement)"
    for _ in range(4):
        left = "document.activeElement === document.body"  # the browser's own bar
        assert visit.page.evaluate(f"{inside} || {left}")
        visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Escape")
    expect(visit.page.get_by_role("dialog")).to_have_count(0)
    expect(visit.page.get_by_role("button", name="Delete")).to_be_focused()


def test_a_replay_is_watched_to_its_end(visit: Visit, site: str) -> None:
    visit.page.goto(f"{site}?image={SECOND}")
    visit.page.get_by_role("button", name="Replay").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Replay").click()
    expect(
        visit.page.get_by_role("article").get_by_text("Being developed", exact=True)
    ).to_be_visible()
    expect(visit.page.get_by_text("1: completed")).to_be_visible()


def test_a_released_image_is_shown(visit: Visit, site: str) -> None:
    visit.page.goto(f"{site}?image={uuid.UUID(int=8, version=5)}")
    visit.page.get_by_role("button", name="Release").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Release").click()
    expect(visit.page.locator("figure.picture img")).to_be_visible()


def test_the_theme_that_was_chosen_is_kept(here: Visit) -> None:
    here.page.get_by_label("Theme").select_option("light")
    here.page.reload()
    expect(here.page.locator("html")).to_have_attribute("data-theme", "light")


def test_nothing_jumps_while_pictures_load(here: Visit) -> None:
    jumps = here.page.evaluate("""() => new Promise((done) => {
        let sum = 0;
        new PerformanceObserver((list) => {
            for (const one of list.getEntries()) sum += one.hadRecentInput ? 0 : one.value;
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 500);
    })""")
    assert jumps < 0.1  # what the web vitals call good
