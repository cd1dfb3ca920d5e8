"""The targets of references in the documentation exist: links, paths, make targets, releases."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")})
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
REPOSITORY_PATH = re.compile(r"`((?:services|shared|infra|tests|docs|\.github)/[\w./-]*)`")
NOT_HERE = re.compile(r"colour|SERVICE")
"""The service of docs/adding-a-service.md, and the placeholder for any service."""
TARGET = re.compile(r"(?:^|`|&& )make ([a-z][a-z-]+)", re.MULTILINE)
TAG = re.compile(r"\bv\d+\.\d+\.\d+\b")


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the page's headings."""
    plain = (heading.lower() for heading in HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in LINK.findall(prose(page)):
        name, _, anchor = link.partition("#")
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_relative_links_and_their_anchors_resolve(page: Path) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_paths_that_are_named_exist(page: Path) -> None:
    named = {
        path for path in REPOSITORY_PATH.findall(page.read_text()) if not NOT_HERE.search(path)
    }
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_make_targets_that_are_named_exist() -> None:
    named = {target for page in PAGES for target in TARGET.findall(page.read_text())}
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert named - set(targets) == set()


def test_the_index_lists_every_page() -> None:
    listed = set(LINK.findall((ROOT / "docs" / "README.md").read_text()))
    pages = {page.name for page in PAGES if page.parent == ROOT / "docs"}
    assert pages - {"README.md"} - listed == set()


def test_tags_that_are_named_are_releases_of_the_changelog() -> None:
    released = re.findall(
        r"^## (\d+\.\d+\.\d+) - ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    named = {tag for page in PAGES for tag in TAG.findall(page.read_text())}
    assert named <= {f"v{version}" for version in released}


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130
