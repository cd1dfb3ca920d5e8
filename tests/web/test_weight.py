"""The size of the page, and its dependencies."""

import gzip
import json
import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "services" / "web"
MAX_SCRIPT = 100_000
"""Bytes after gzip."""


def test_the_scripts_stay_within_their_budget(built: Path) -> None:
    scripts = [gzip.compress(path.read_bytes()) for path in built.rglob("*.js")]
    assert scripts
    assert sum(map(len, scripts)) <= MAX_SCRIPT


def test_the_page_loads_nothing_from_another_origin(built: Path) -> None:
    for path in (built / "index.html", *built.rglob("*.css")):
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//|url\((?:https?:)?//", path.read_text())


def test_the_lock_contains_no_registry() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


def test_the_lock_has_a_hash_for_every_package() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    packages = lock["packages"].items()
    assert [name for name, package in packages if name and "integrity" not in package] == []
