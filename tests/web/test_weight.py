"""What the page costs to load, and what it may lean on."""

import gzip
import json
import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "services" / "web"
MOST = 100_000
"""Bytes of script after gzip."""


def test_a_page_load_moves_no_more_script_than_was_promised(built: Path) -> None:
    scripts = [gzip.compress(path.read_bytes()) for path in built.rglob("*.js")]
    assert scripts
    assert sum(map(len, scripts)) <= MOST


def test_nothing_comes_from_another_place(built: Path) -> None:
    for path in (built / "index.html", *built.rglob("*.css")):
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//|url\((?:https?:)?//", path.read_text())


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    assert not [name for name, one in lock["packages"].items() if "resolved" in one]


def test_the_lock_pins_every_package_by_its_content() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    loose = [name for name, one in lock["packages"].items() if name and "integrity" not in one]
    assert loose == []
