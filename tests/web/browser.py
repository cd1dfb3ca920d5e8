"""A real Chromium for the page's tests, and what every test asks of a page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.optional import missing

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "services" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
DEADLINE = 120_000
"""ms. Decides only when to stop waiting."""
AUDIT = """async () => {
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, any }) => `${id}: ${html} ${any.map((a) => a.message).join()}`));
}"""
PICTURES_THERE = """() => [...document.images].every((one) =>
    one.complete || !one.offsetHeight || one.getBoundingClientRect().top > innerHeight)"""

expect.set_options(timeout=DEADLINE)


def chromium(playwright: Playwright) -> str:
    """The path of an installed Chromium: the system's, or the one that Playwright downloaded."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    downloaded = playwright.chromium.executable_path
    if Path(downloaded).exists():
        return downloaded
    return missing("Chromium", "apt-get install chromium, or .venv/bin/playwright install chromium")


@contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(playwright),
            args=["--no-sandbox"],  # it refuses to run as root otherwise
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page that is open, and what its console complained of."""

    page: Page
    size: str
    scheme: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: object) -> None:
        kind, text = message.type, message.text  # type: ignore[attr-defined]
        # Chromium reports each answer that is no success; asking for what is not there yet is how
        # the page waits.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(text)

    def look(self, name: str) -> None:
        """Keep a screenshot, and hold the page to what every state of it promises."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_function(PICTURES_THERE)
        picture = SCREENSHOTS / f"{name}-{self.size}-{self.scheme}.png"
        self.page.screenshot(path=picture, full_page=False)
        violations = self.violations()
        assert not violations, violations
        assert not self.overflows(), "it scrolls sideways"

    def violations(self) -> list[str]:
        """What axe has against the page as it stands."""
        self.page.evaluate(AXE.read_text())
        found: list[str] = self.page.evaluate(AUDIT)
        return found

    def overflows(self) -> bool:
        root = "document.documentElement"
        return bool(self.page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"))


@contextmanager
def visiting(browser: Browser, size: str = "desktop", scheme: str = "dark") -> Iterator[Visit]:
    """A fresh profile's page; its console has to be free of errors in the end."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        timezone_id="Europe/Berlin",
        has_touch=size == "phone",
    )
    context.set_default_timeout(DEADLINE)
    visit = Visit(context.new_page(), size, scheme)
    yield visit
    context.close()
    assert not visit.complaints, visit.complaints
