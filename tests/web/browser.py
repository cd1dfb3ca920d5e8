"""A real Chromium for the page's tests, and the checks that every state has to pass."""

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
"""ms until a wait fails."""
AUDIT = """async () => {
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, any }) => `${id}: ${html} ${any.map((a) => a.message).join()}`));
}"""
PICTURES_LOADED = """() => [...document.images].every((image) =>
    image.complete || !image.offsetHeight || image.getBoundingClientRect().top > innerHeight)"""

expect.set_options(timeout=DEADLINE)


def installed(playwright: Playwright) -> str | None:
    """The path of a Chromium: the system's, or the one that Playwright downloaded; else None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    downloaded = playwright.chromium.executable_path
    return downloaded if Path(downloaded).exists() else None


def chromium(playwright: Playwright) -> str:
    """The path of an installed Chromium. Without one, the test is skipped."""
    remedy = "apt-get install chromium, or .venv/bin/playwright install chromium"
    return installed(playwright) or missing("Chromium", remedy)


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
    """An open page, and the errors and warnings of its console."""

    page: Page
    size: str
    scheme: str
    console_errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))

    def _on_console(self, message: object) -> None:
        kind, text = message.type, message.text  # type: ignore[attr-defined]
        # Chromium reports every error status. The page polls images that do not exist yet (404).
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.console_errors.append(text)

    def check(self, name: str) -> None:
        """Take a screenshot; then fail on axe's violations or if the page is too wide."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_function(PICTURES_LOADED)
        picture = SCREENSHOTS / f"{name}-{self.size}-{self.scheme}.png"
        self.page.screenshot(path=picture, full_page=False)
        violations = self.violations()
        assert not violations, violations
        assert not self.overflows(), "the page scrolls sideways"

    def violations(self) -> list[str]:
        """The accessibility rules that the page breaks, by axe."""
        self.page.evaluate(AXE.read_text())
        violations: list[str] = self.page.evaluate(AUDIT)
        return violations

    def overflows(self) -> bool:
        root = "document.documentElement"
        return bool(self.page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"))


@contextmanager
def visiting(browser: Browser, size: str = "desktop", scheme: str = "dark") -> Iterator[Visit]:
    """A page with a new profile. Fails at the end if its console has errors."""
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
    assert not visit.console_errors, visit.console_errors
