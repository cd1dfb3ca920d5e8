"""Gestures of a user that take more than a click."""

import base64
from collections.abc import Mapping

from playwright.sync_api import Locator, Page, expect

DROP = """files => {
    const data = new DataTransfer();
    for (const [name, type, body] of files) {
        const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
        data.items.add(new File([bytes], name, { type }));
    }
    for (const kind of ["dragenter", "dragover", "drop"]) {
        document.body.dispatchEvent(
            new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
}"""
PASTE = """body => {
    const data = new DataTransfer();
    const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
    data.items.add(new File([bytes], "pasted.jpg", { type: "image/jpeg" }));
    document.body.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
}"""


def drop(page: Page, files: Mapping[str, bytes]) -> None:
    """Drop files, all at once, by name. Each has the type of a JPEG, whatever it contains."""
    expect(page.get_by_role("button", name="Choose photos")).to_be_visible()
    page.evaluate(DROP, [[name, "image/jpeg", _text(body)] for name, body in files.items()])


def paste(page: Page, body: bytes) -> None:
    """Paste a JPEG as ``pasted.jpg``."""
    page.evaluate(PASTE, _text(body))


def pick(page: Page, files: Mapping[str, tuple[str, bytes]]) -> None:
    """Choose files by name, each with its type and content, in the file picker."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files(
        [{"name": name, "mimeType": kind, "buffer": body} for name, (kind, body) in files.items()]
    )


def row(page: Page, name: str) -> Locator:
    """The row of an upload."""
    return page.get_by_role("region", name="Uploads").get_by_role("listitem").filter(has_text=name)


def _text(body: bytes) -> str:
    return base64.b64encode(body).decode()


def upload_find_and_delete(page: Page, cat: bytes, coffee: bytes) -> None:
    """Drop three files, one of them broken; find one of them, open it and delete it.

    The deleted one has a name that no other test uses, because the tests share one gallery.
    """
    drop(page, {"tabby.jpg": cat, "coffee.jpg": coffee, "broken.jpg": b"no picture at all"})
    expect(row(page, "tabby.jpg")).to_contain_text("Ready")
    expect(row(page, "coffee.jpg")).to_contain_text("Ready")
    expect(row(page, "broken.jpg").get_by_role("link", name="Open")).to_be_visible()
    expect(row(page, "broken.jpg")).to_have_attribute("data-state", "failed")
    page.get_by_role("button", name="Clear finished").click()
    page.get_by_role("button", name="Cat", exact=False).first.click()
    page.locator(".sheet").get_by_role("link", name="tabby.jpg").first.click()
    expect(page.get_by_role("heading", name="tabby.jpg")).to_be_focused()
    page.locator('[data-finding="Cat"]').first.hover()
    expect(page.locator(".box.active")).to_contain_text("Cat")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="tabby.jpg")).to_have_count(0)
    expect(page.locator(".sheet").get_by_role("link", name="tabby.jpg")).to_have_count(0)
