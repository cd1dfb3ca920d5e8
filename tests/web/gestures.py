"""What a person does on the page that takes more than a click."""

import base64
from collections.abc import Mapping

from playwright.sync_api import Locator, Page, expect

DROP = """files => {
    const data = new DataTransfer();
    for (const [name, type, body] of files) {
        const bytes = Uint8Array.from(atob(body), (one) => one.charCodeAt(0));
        data.items.add(new File([bytes], name, { type }));
    }
    for (const kind of ["dragenter", "dragover", "drop"]) {
        document.body.dispatchEvent(
            new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
}"""
PASTE = """body => {
    const data = new DataTransfer();
    const bytes = Uint8Array.from(atob(body), (one) => one.charCodeAt(0));
    data.items.add(new File([bytes], "pasted.jpg", { type: "image/jpeg" }));
    document.body.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
}"""


def drop(page: Page, files: Mapping[str, bytes]) -> None:
    """Files by name, dropped all at once, as JPEGs that some of them may not be."""
    expect(page.get_by_role("button", name="Choose photos")).to_be_visible()
    page.evaluate(DROP, [[name, "image/jpeg", _text(body)] for name, body in files.items()])


def paste(page: Page, body: bytes) -> None:
    page.evaluate(PASTE, _text(body))


def pick(page: Page, files: Mapping[str, tuple[str, bytes]]) -> None:
    """Files by name, each with its type, through the file picker."""
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Choose photos").click()
    chosen.value.set_files(
        [{"name": name, "mimeType": kind, "buffer": body} for name, (kind, body) in files.items()]
    )


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name="Uploads").get_by_role("listitem").filter(has_text=name)


def _text(body: bytes) -> str:
    return base64.b64encode(body).decode()


def a_photo_from_drop_to_deletion(page: Page, cat: bytes, coffee: bytes) -> None:
    """Three files by drop, one of them broken; watched, filtered, opened, pointed at, deleted."""
    drop(page, {"cat.jpg": cat, "coffee.jpg": coffee, "broken.jpg": b"no picture at all"})
    expect(row(page, "cat.jpg")).to_contain_text("Ready")
    expect(row(page, "coffee.jpg")).to_contain_text("Ready")
    expect(row(page, "broken.jpg").get_by_role("link", name="Open")).to_be_visible()
    expect(row(page, "broken.jpg")).to_have_attribute("data-state", "failed")
    page.get_by_role("button", name="Clear finished").click()
    page.get_by_role("button", name="Cat", exact=False).first.click()
    page.locator(".sheet").get_by_role("link", name="cat.jpg").first.click()
    expect(page.get_by_role("heading", name="cat.jpg")).to_be_focused()
    page.locator('[data-finding="Cat"]').first.hover()
    expect(page.locator(".box.active")).to_contain_text("Cat")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="cat.jpg")).to_have_count(0)
    expect(page.locator(".sheet").get_by_role("link", name="cat.jpg")).to_have_count(0)
