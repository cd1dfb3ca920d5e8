"""Nothing is installed that is not locked, in one version and with hashes."""

import re
from pathlib import Path

import pytest

from infra.config.definitions import definitions
from infra.lock import TOGETHER, Lock, locks
from infra.paths import LOCKS, REQUIREMENTS

EVERY = list(locks())
PINNED = re.compile(r"(?P<name>[a-z0-9.-]+)(\[[a-z0-9,-]+\])?==(?P<version>[^ ]+)( ; .+)?")


def pins(path: Path) -> dict[str, str]:
    """Every package of a lock and its version; fails on one that is not pinned with a hash."""
    entries = re.sub(r"\\\n", "", path.read_text()).splitlines()
    found = {}
    for entry in entries:
        if not entry.startswith("#"):
            said, *hashes = re.split(r"\s+--hash=", entry.strip())
            pinned = PINNED.fullmatch(said)
            assert pinned, f"{path.name}: {said} is not pinned"
            assert hashes, f"{path.name}: {said} has no hash"
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes)
            found[pinned["name"]] = pinned["version"]
    return found


@pytest.mark.parametrize("lock", EVERY, ids=lambda lock: lock.name)
def test_every_requirement_is_pinned_with_hashes(lock):
    assert pins(lock.path)


@pytest.mark.parametrize("lock", EVERY, ids=lambda lock: lock.name)
def test_a_lock_is_of_what_is_required_now(lock):
    assert lock.current, "run: make lock"


def test_a_lock_of_something_else_is_told_from_it(tmp_path, monkeypatch):
    monkeypatch.setattr("infra.lock.REQUIREMENTS", tmp_path)
    (tmp_path / "base.txt").write_text("pydantic==1\n")
    assert not Lock("base", closed=True).current


def test_a_comment_changes_no_lock(tmp_path, monkeypatch):
    monkeypatch.setattr("infra.lock.REQUIREMENTS", tmp_path)
    said = ["one==1\n", "# why\none==1 # and how\n"]
    found = set()
    for text in said:
        (tmp_path / "base.txt").write_text(text)
        found.add(Lock("base", closed=True).digest)
    assert len(found) == 1


def test_nothing_is_locked_that_nobody_requires():
    assert {path.name for path in LOCKS.iterdir()} == {lock.path.name for lock in EVERY}


def test_what_functions_carry_is_closed():
    carried = {name for definition in definitions() for name in definition.requires}
    closed = [lock for lock in EVERY if lock.closed]
    assert carried <= {lock.name for lock in closed}
    for lock in closed:
        named = re.findall(r"^([a-z0-9-]+)==(\S+)", lock.requirements.read_text(), re.MULTILINE)
        assert pins(lock.path) == dict(named)


def test_what_shares_an_environment_agrees_on_versions():
    for name, other in TOGETHER.items():
        mine, theirs = (pins(LOCKS / f"{each}.txt") for each in (name, other))
        shared = mine.keys() & theirs.keys()
        assert shared
        assert {each: mine[each] for each in shared} == {each: theirs[each] for each in shared}


def test_the_project_runs_on_what_the_functions_carry():
    project = pins(LOCKS / "dev.txt")
    for lock in EVERY:
        if lock.closed:
            assert pins(lock.path).items() <= project.items()


def test_no_lock_says_where_packages_come_from():
    """That is each machine's own setting."""
    for path in [*LOCKS.iterdir(), *REQUIREMENTS.glob("*.txt")]:
        assert "://" not in path.read_text()
        assert "--index" not in path.read_text()
