"""Everything that is installed is pinned in uv.lock, with hashes."""

import re
import subprocess
import sys
import tomllib

import pytest

from infra.config.definitions import definitions
from infra.environments import ROOT, requirements, uv

LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
CARRIED = sorted({name for definition in definitions() for name in definition.requires})
PINNED = re.compile(r"(?P<name>[a-z0-9.-]+)(\[[a-z0-9,-]+\])?==(?P<version>[^ ]+)( ; .+)?")


def pins(group):
    """Every package of a group and its version; fails on one that is not pinned with a hash."""
    pinned = {}
    for entry in re.sub(r"\\\n", "", requirements([group])).splitlines():
        requirement, *hashes = re.split(r"\s+--hash=", entry.strip())
        match = PINNED.fullmatch(requirement)
        assert match, f"{group}: {requirement} is not pinned"
        assert hashes, f"{group}: {requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes)
        pinned[match["name"]] = match["version"]
    return pinned


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_is_pinned_with_hashes(group):
    assert pins(group)


def test_the_lock_is_up_to_date():
    command = [uv(), "lock", "--check", "--offline", "--no-cache", "--project", ROOT]
    command += ["--python", sys.executable, "--default-index", "https://pypi.org/simple"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, f"run `make lock`: {checked.stderr}"


@pytest.mark.parametrize("group", CARRIED)
def test_the_tests_run_on_the_versions_that_functions_carry(group):
    assert pins(group).items() <= pins("dev").items()


def test_the_lock_names_no_mirror():
    addresses = set(re.findall(r"\w+://[^/\"]+", (ROOT / "uv.lock").read_text()))
    assert addresses == {"https://pypi.org", "https://files.pythonhosted.org"}


def test_the_lock_is_for_every_supported_python():
    assert LOCK["requires-python"] == ">=3.11"


def test_the_rekognition_image_installs_with_the_uv_of_the_lock():
    dockerfile = (ROOT / "infra/rekognition/Dockerfile").read_text()
    assert re.findall(r"uv==(\S+)", dockerfile) == [pins("dev")["uv"]]
