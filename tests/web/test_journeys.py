"""What users do on the page, with a real browser. The other file checks the appearance."""

import io
import json
import re
import struct
import uuid
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import expect

from tests.web.browser import Visit
from tests.web.fake_api import Backend
from tests.web.gestures import drop, paste, pick, row, upload_find_and_delete

ROOT = Path(__file__).parents[2]
CAT = (ROOT / "infra" / "local" / "samples" / "cat.jpg").read_bytes()
COFFEE = (ROOT / "tests" / "unit" / "rekognition" / "photos" / "coffee.jpg").read_bytes()
JPEG = "image/jpeg"
SECOND = str(uuid.UUID(int=3, version=5))


@pytest.fixture
def gallery(visit: Visit, site: str) -> Visit:
    """The page with its gallery loaded."""
    visit.page.goto(site)
    expect(visit.page.locator(".skeleton")).to_have_count(0)
    return visit


PAINTED = """canvas => [canvas.width, canvas.height,
    ...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]"""


def difference(painted: list[int], scene: bytes) -> float:
    """The mean difference, of 255, between a canvas and the picture of a scene."""
    width, height, *pixels = painted
    canvas = Image.frombytes("RGBA", (width, height), bytes(pixels)).convert("RGB")
    with Image.open(io.BytesIO(scene)) as picture:
        small = picture.resize((width, height), Image.Resampling.BOX)
    return sum(ImageStat.Stat(ImageChops.difference(canvas, small)).mean) / 3


@pytest.mark.parametrize(
    "picture",
    [("", ".tile >> nth=0", 0), ("", ".tile >> nth=1", 1), (f"?image={SECOND}", "figure", 2)],
)
def test_a_blurred_picture_is_shown_until_the_picture_has_loaded(
    visit: Visit, site: str, backend: Backend, picture: tuple[str, str, int]
) -> None:
    query, place, n = picture
    visit.page.route("**/pictures/**", lambda _: None)
    visit.page.goto(site + query)
    blurred = visit.page.locator(place).locator("canvas")
    expect(blurred).to_be_visible()
    assert difference(blurred.evaluate(PAINTED), backend.photos[n].body) < 12
    visit.page.unroute("**/pictures/**")  # continues the requests that wait
    expect(blurred).to_have_count(0)
    loaded = visit.page.locator(place).locator("img")
    assert loaded.evaluate("img => img.complete && img.naturalWidth > 0")


def test_a_picture_that_fails_to_load_has_no_placeholder(visit: Visit, site: str) -> None:
    visit.page.route("**/pictures/**", lambda route: route.abort())
    visit.page.goto(site)
    expect(visit.page.locator(".tile img").first).to_be_visible()
    expect(visit.page.locator(".tile >> nth=0").locator("canvas")).to_have_count(0)


def test_a_photo_from_upload_to_deletion(gallery: Visit) -> None:
    upload_find_and_delete(gallery.page, CAT, COFFEE)


def test_a_pasted_picture_is_uploaded(gallery: Visit) -> None:
    paste(gallery.page, CAT)
    expect(row(gallery.page, "pasted.jpg")).to_contain_text("Ready")


def test_the_bucket_receives_the_file_unchanged(gallery: Visit, backend: Backend) -> None:
    pick(gallery.page, {"cat.jpg": (JPEG, CAT)})
    expect(row(gallery.page, "cat.jpg")).to_contain_text("Ready")
    assert backend.photos[0].body == CAT


def test_the_preview_is_shown_before_the_upload_starts(gallery: Visit) -> None:
    gallery.page.route("**/upload-url", lambda _: None)
    drop(gallery.page, {"cat.jpg": CAT})
    preview = row(gallery.page, "cat.jpg").locator("img")
    expect(preview).to_have_js_property("naturalWidth", 451)


def huge(width: int, height: int) -> bytes:
    """The header of a PNG with these sides, which the page reads."""
    head = struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + head


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (("notes.pdf", "application/pdf", b"%PDF"), "of the type application/pdf"),
        (("mystery", "", b"?"), "not a supported picture"),
        (("empty.jpg", JPEG, b""), "This file is empty."),
        (("large.jpg", JPEG, b"x" * 2001), "the limit is 2.0 kB"),
        (("wide.png", "image/png", huge(20_000, 10_000)), "200 megapixels; the limit is 100"),
    ],
)
def test_a_file_that_fails_a_check_is_refused_with_its_reason(
    visit: Visit, site: str, file: tuple[str, str, bytes], why: str
) -> None:
    name, *content = file
    settings = {"api": "/api", "stage": "test", "limits": {"bytes": 2000, "pixels": 100_000_000}}
    visit.page.route("**/config.json", lambda route: route.fulfill(body=json.dumps(settings)))
    visit.page.goto(site)
    pick(visit.page, {name: content})
    expect(row(visit.page, name)).to_contain_text(why)
    expect(row(visit.page, name)).to_have_attribute("data-state", "refused")


def test_an_upload_can_be_cancelled_and_retried(gallery: Visit) -> None:
    gallery.page.route("**/bucket", lambda _: None)  # it never answers
    drop(gallery.page, {"cat.jpg": CAT})
    cat = row(gallery.page, "cat.jpg")
    cat.get_by_role("button", name="Cancel").click()
    expect(cat).to_contain_text("Cancelled")
    gallery.page.unroute("**/bucket")
    cat.get_by_role("button", name="Try again").click()
    expect(cat).to_contain_text("Ready")


def test_an_interrupted_upload_can_be_retried(gallery: Visit) -> None:
    gallery.page.route("**/bucket", lambda route: route.abort())
    drop(gallery.page, {"cat.jpg": CAT})
    cat = row(gallery.page, "cat.jpg")
    expect(cat).to_contain_text("The connection was interrupted.")
    gallery.page.unroute("**/bucket")
    cat.get_by_role("button", name="Try again").click()
    expect(cat).to_contain_text("Ready")


def test_an_upload_that_s3_refuses_shows_the_reason(gallery: Visit) -> None:
    refusal = "<Error><Code>EntityTooLarge</Code></Error>"
    gallery.page.route("**/bucket", lambda route: route.fulfill(status=400, body=refusal))
    drop(gallery.page, {"cat.jpg": CAT})
    expect(row(gallery.page, "cat.jpg")).to_contain_text("larger than announced")


def test_many_files_are_uploaded_and_polled_with_few_requests(
    gallery: Visit, backend: Backend
) -> None:
    backend.requests.clear()
    drop(gallery.page, {f"cat-{n}.jpg": CAT for n in range(20)})
    status = gallery.page.get_by_role("region", name="Uploads").get_by_role("status")
    expect(status).to_have_text("20 photos finished")
    details = [path for path in backend.requests if path.startswith("/results/")]
    assert len(details) <= 3 * 10  # three in a round; the list answers for the others


def test_polling_slows_down_after_a_minute(visit: Visit, site: str, backend: Backend) -> None:
    backend.stalled = True
    visit.page.clock.install()
    visit.page.goto(site)
    expect(visit.page.locator(".skeleton")).to_have_count(0)
    drop(visit.page, {"cat.jpg": CAT})
    expect(row(visit.page, "cat.jpg")).to_contain_text("Uploaded; waiting to start")
    visit.page.clock.run_for(70_000)
    expect(visit.page.get_by_text("The page checks again in the background")).to_be_visible()
    visit.check("background")
    backend.requests.clear()
    visit.page.clock.run_for(60_000)
    assert len([path for path in backend.requests if path.startswith("/results/")]) <= 5


def test_uploads_in_progress(gallery: Visit) -> None:
    gallery.page.route("**/bucket", lambda _: None)
    drop(gallery.page, {"cat.jpg": CAT, "coffee.jpg": COFFEE, "empty.jpg": b""})
    expect(row(gallery.page, "coffee.jpg")).to_contain_text("Sending")
    gallery.check("uploads")


def test_scrolling_to_the_end_loads_the_next_page(gallery: Visit) -> None:
    cards = gallery.page.locator(".sheet").get_by_role("link")
    expect(cards).to_have_count(40)
    gallery.page.mouse.wheel(0, 20_000)
    expect(cards).to_have_count(60)
    expect(gallery.page.get_by_text("No more photos.")).to_be_visible()


def test_filters_are_in_the_address_and_survive_a_reload(gallery: Visit) -> None:
    gallery.page.get_by_role("button", name="Nature").click()
    expect(gallery.page).to_have_url(re.compile("label=Nature"))
    expect(gallery.page.locator(".sheet").get_by_role("link")).to_have_count(20)
    gallery.page.reload()
    expect(gallery.page.get_by_role("button", name="Nature")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(gallery.page.locator(".sheet").get_by_role("link")).to_have_count(20)


def test_the_search_ignores_upper_and_lower_case(gallery: Visit) -> None:
    gallery.page.get_by_label("Search for what is in the photo").fill("nature")
    gallery.page.keyboard.press("Enter")
    expect(gallery.page).to_have_url(re.compile("label=Nature"))


def test_going_back_focuses_the_card_that_was_opened(gallery: Visit) -> None:
    card = gallery.page.locator(".sheet").get_by_role("link", name="scene-02.jpg")
    card.click()
    expect(gallery.page.get_by_role("heading", name="scene-02.jpg")).to_be_focused()
    gallery.page.go_back()
    expect(card).to_be_focused()


def test_a_box_can_be_shown_with_the_keyboard(visit: Visit, site: str) -> None:
    visit.page.goto(f"{site}?image={SECOND}")
    finding = visit.page.get_by_role("button", name="Sun")
    expect(visit.page.get_by_role("heading", level=1)).to_be_focused()
    while not finding.evaluate("element => element === document.activeElement"):
        visit.page.keyboard.press("Tab")
    expect(visit.page.locator(".box.active")).to_contain_text("Sun 91 %")


def test_the_dialog_traps_and_restores_the_focus(visit: Visit, site: str) -> None:
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


def test_a_replay_is_followed_until_it_has_completed(visit: Visit, site: str) -> None:
    visit.page.goto(f"{site}?image={SECOND}")
    visit.page.get_by_role("button", name="Replay").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Replay").click()
    expect(visit.page.get_by_role("article").get_by_text("Processing", exact=True)).to_be_visible()
    expect(visit.page.get_by_text("1: completed")).to_be_visible()


def test_a_released_image_has_its_picture(visit: Visit, site: str) -> None:
    visit.page.goto(f"{site}?image={uuid.UUID(int=8, version=5)}")
    visit.page.get_by_role("button", name="Release").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Release").click()
    expect(visit.page.locator("figure.picture img")).to_be_visible()


def test_the_theme_survives_a_reload(gallery: Visit) -> None:
    gallery.page.get_by_label("Theme").select_option("light")
    gallery.page.reload()
    expect(gallery.page.locator("html")).to_have_attribute("data-theme", "light")


def test_the_layout_does_not_shift_while_pictures_load(gallery: Visit) -> None:
    shift = gallery.page.evaluate("""() => new Promise((done) => {
        let sum = 0;
        new PerformanceObserver((list) => {
            for (const shift of list.getEntries()) sum += shift.hadRecentInput ? 0 : shift.value;
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 500);
    })""")
    assert shift < 0.1  # "good" by the web vitals
