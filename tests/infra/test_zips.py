"""The zip of every function starts where Lambda would start it: beside boto3 and nothing else.

Built with the real libraries, from the package registry on the first run; hence the mark.
"""

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.definitions import ROOT, definitions
from infra.package import Target, package

pytestmark = pytest.mark.slow

SERVICES = [definition.name for definition in definitions()]
MEGABYTE = 1_000_000
TIMEOUT = 600  # s, generous: the first run downloads


def bare(python, home):
    """A virtual environment with boto3 alone, as the Lambda runtime has it."""
    venv = [python, "-m", "venv", "--without-pip", home]  # this project's pip does for all
    subprocess.run(venv, check=True, timeout=TIMEOUT)
    pinned = [
        line
        for line in (ROOT / "infra/requirements/dev.txt").read_text().splitlines()
        if line.startswith("boto3==")
    ]
    pip = [sys.executable, "-m", "pip", "--python", home / "bin/python", "install", "-q"]
    options = ["--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, *options, *pinned], check=True, timeout=TIMEOUT)
    return home / "bin/python"


def python313():
    """An interpreter for what is built for AWS, where this machine has one."""
    pyenv = Path.home().glob(".pyenv/versions/3.13.*/bin/python")
    found = [shutil.which("python3.13"), *map(str, pyenv)]
    wanted = "import sys; sys.exit(sys.version_info[:2] != (3, 13))"
    for python in filter(None, found):
        if subprocess.run([python, "-c", wanted], check=False, capture_output=True).returncode == 0:
            return python
    return None


@pytest.fixture(scope="session", params=["here", "aws"])
def place(request, tmp_path_factory):
    """A target, and a bare interpreter to start what is built for it."""
    home = tmp_path_factory.mktemp("bare")
    if request.param == "here":
        return Target.here(), bare(sys.executable, home)
    python = python313()
    if python is None or (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("no python3.13 on x86-64 Linux here")
    return Target.linux("x86_64"), bare(python, home)


@pytest.fixture(params=SERVICES)
def built(request, place):
    (definition,) = [found for found in definitions() if found.name == request.param]
    return package(definition, place[0])


def test_a_zip_imports_its_handler_beside_boto3_alone(built, place, request, tmp_path):
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(tmp_path)
    service = request.node.callspec.params["built"]
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
    program += f"from services.{service}.handler import handle; print(callable(handle))"
    done = subprocess.run(
        [place[1], "-I", "-W", "error", "-c", program],
        env={"PATH": os.defpath},  # importing reads no variable
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_a_zip_is_no_larger_than_it_has_to_be(built):
    with zipfile.ZipFile(built.path) as archive:
        names = [entry.filename for entry in archive.infolist()]
        unpacked = sum(entry.file_size for entry in archive.infolist())
    assert unpacked < 100 * MEGABYTE  # Lambda's limit is 250
    assert not [name for name in names if name.startswith(("boto", "s3transfer", "bin/"))]
    assert not [name for name in names if "__pycache__" in name or name.endswith(".toml")]
