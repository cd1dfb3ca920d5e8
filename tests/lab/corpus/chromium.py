"""Shows pictures in Chromium: many on a page, on white, at a device pixel ratio of 1."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Error, sync_playwright

from services.resize.pictures.geometry import fit
from services.resize.pictures.values import Size
from tests.lab.corpus.ours import THUMBNAIL
from tests.web.browser import installed

UNSUPPORTED = frozenset({"", "HEIC", "TIFF"})
"""The formats that Chromium does not show, and files of an unknown format."""

CELL = THUMBNAIL.side
COLUMNS, ROWS = 6, 4
PAGE = Size(COLUMNS * CELL, ROWS * CELL)
TIMEOUT = 60_000
"""ms for one page."""

SWITCHES = (
    "--no-sandbox",  # it refuses to run as root otherwise
    "--force-color-profile=srgb",
)

LOADED = """async () => {
    const images = [...document.images];
    await Promise.allSettled(images.map((image) => image.decode()));
    return images.map(({ naturalWidth, naturalHeight }) => [naturalWidth, naturalHeight]);
}"""
SHOWN = """async (sizes) => {
    [...document.images].forEach((image, n) => {
        if (!sizes[n]) return image.remove();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = sizes[n];
        canvas.style.cssText = image.style.cssText;
        const context = canvas.getContext("2d");
        context.imageSmoothingQuality = "high";
        context.drawImage(image, 0, 0, ...sizes[n]);
        image.replaceWith(canvas);
    });
    for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame);
}"""
"""Draws each image on a canvas of its size, which shows the first frame of an animation."""


@dataclass(frozen=True)
class Shown:
    """A picture in Chromium: its upright size, and how it looks on white in the thumbnail's size.

    Both are None for a file that Chromium does not show.
    """

    size: Size | None = None
    look: Image.Image | None = None


def supports(kind: str) -> bool:
    return kind not in UNSUPPORTED


def show(paths: Sequence[Path]) -> Iterator[dict[Path, Shown]]:
    """The pictures in Chromium, batch by batch; nothing if Chromium is not installed."""
    with sync_playwright() as playwright:
        if not (path := installed(playwright)):
            return
        browser = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        remaining = iter(paths)
        while batch := list(islice(remaining, COLUMNS * ROWS)):
            yield shown_in(browser, batch)
        browser.close()


def shown_in(browser: Browser, paths: Sequence[Path]) -> dict[Path, Shown]:
    """The pictures in this browser, at most a page of them.

    A picture that crashes the page is one that Chromium does not show.
    """
    try:
        return dict(zip(paths, _page(browser, paths), strict=True))
    except Error:
        if len(paths) == 1:
            return {paths[0]: Shown()}
    half = len(paths) // 2
    return shown_in(browser, paths[:half]) | shown_in(browser, paths[half:])


def _page(browser: Browser, paths: Sequence[Path]) -> list[Shown]:
    page = browser.new_page(viewport={"width": PAGE.width, "height": PAGE.height})
    page.set_default_timeout(TIMEOUT)
    try:
        with TemporaryDirectory() as folder:  # a page may show local files if it is one itself
            file = Path(folder) / "page.html"
            file.write_text(_html(paths))
            page.goto(file.as_uri())
            sizes = [Size(*size) if all(size) else None for size in page.evaluate(LOADED)]
            page.evaluate(SHOWN, [size and list(fit(size, CELL)) for size in sizes])
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    finally:
        page.close()
    return [
        Shown(size, picture.crop(_box(n, fit(size, CELL)))) if size else Shown()
        for n, size in enumerate(sizes)
    ]


def _html(paths: Sequence[Path]) -> str:
    images = [
        f'<img src="{escape(path.resolve().as_uri())}" alt=""'
        f' style="position: absolute; left: {left}px; top: {top}px">'
        for path, (left, top, *_) in zip(paths, map(_box, range(len(paths))), strict=False)
    ]
    return f'<!doctype html><meta charset="utf-8"><body>{"".join(images)}'


def _box(n: int, size: Size = Size(CELL, CELL)) -> tuple[int, int, int, int]:  # noqa: B008
    """The box of the nth picture on the page, by its left, top, right and bottom."""
    left, top = n % COLUMNS * CELL, n // COLUMNS * CELL
    return left, top, left + size.width, top + size.height
