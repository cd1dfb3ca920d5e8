"""The zip of every function starts where Lambda would start it: beside nothing but Python.

Built with the real libraries, from the package registry on the first run; hence the mark.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.config.definitions import definitions
from infra.packaging.package import START, Target, package

pytestmark = pytest.mark.slow

SERVICES = [definition.name for definition in definitions()]
MEGABYTE = 1_000_000
TIMEOUT = 600  # s, generous: the first run downloads


EVERYWHERE = {
    "annotated_types",
    "botocore",
    "dateutil",
    "jmespath",
    "pydantic",
    "pydantic_core",
    "services",
    "shared",
    "six",
    START,
    "typing_extensions",
    "typing_inspection",
    "urllib3",
}
SIMD = {"cykooz_resizer"} if platform.machine() in {"x86_64", "AMD64"} else set()
BESIDES = {"api": {"aws_lambda_powertools"}, "resize": {"PIL"} | SIMD}
"""What a function may load of its zip before the first message, and no more: each library takes
milliseconds of every start, and X-Ray's half as much as all else.
"""
PICTURES = {"Avif", "Bmp", "Gif", "Jpeg", "Png", "Tiff", "WebP"}
"""Formats that ``resize`` takes, and what Pillow itself needs for them."""
LOADED = """
import json, sys
sys.path.insert(0, sys.argv[1])
import start
print(json.dumps({
    name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()
}))
"""


def bare(python, home):
    """A virtual environment with nothing in it."""
    subprocess.run([python, "-m", "venv", "--without-pip", home], check=True, timeout=TIMEOUT)
    return home / "bin/python"


def python313():
    """An interpreter for what is built for AWS, where this machine has one."""
    pyenv = Path.home().glob(".pyenv/versions/3.13.*/bin/python")
    found = [shutil.which("python3.13"), *map(str, pyenv)]
    wanted = "import sys; sys.exit(sys.version_info[:2] != (3, 13))"
    for python in filter(None, found):
        done = subprocess.run(
            [python, "-c", wanted], check=False, capture_output=True, timeout=TIMEOUT
        )
        if done.returncode == 0:
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
        pytest.skip("no python3.13 on x86-64 Linux: install it where functions of x86-64 can run")
    return Target.linux("x86_64"), bare(python, home)


@pytest.fixture(params=SERVICES)
def service(request):
    return request.param


@pytest.fixture
def built(service, place):
    (definition,) = [found for found in definitions() if found.name == service]
    return package(definition, place[0])


@pytest.fixture
def loaded(built, place, tmp_path):
    """Each module that is there once the function has started, and its file."""
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [place[1], "-I", "-W", "error", "-c", LOADED, tmp_path],
        env={"PATH": os.defpath},  # importing reads no variable
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_function_starts_beside_nothing_and_loads_no_more_than_it_has_to(
    loaded, service, tmp_path
):
    packed = {name for name, file in loaded.items() if file.startswith(str(tmp_path))}
    tops = {name.partition(".")[0] for name in packed}
    assert tops == EVERYWHERE | BESIDES.get(service, set())
    assert f"services.{service}.handler" in packed
    assert not {"boto3", "s3transfer", "multiprocessing", "ctypes"} & set(loaded)
    formats = {name[4:-11] for name in packed if name.startswith("PIL.") and "ImagePlugin" in name}
    assert formats == (PICTURES if service == "resize" else set())


def test_a_zip_is_no_larger_than_it_has_to_be(built):
    with zipfile.ZipFile(built.path) as archive:
        names = [entry.filename for entry in archive.infolist()]
    assert built.size.zipped < 30 * MEGABYTE  # Lambda's limits are 50
    assert built.size.unzipped < 100 * MEGABYTE  # and 250
    assert not [name for name in names if name.startswith(("boto3", "s3transfer", "bin/"))]
    assert not [name for name in names if name.endswith(".toml")]
    ours = [name for name in names if name.startswith(("shared/", "services/", "tests/"))]
    assert not [name for name in ours if re.search(r"^tests/|test|fake", name)]
    described = {name.split("/")[2] for name in names if name.startswith("botocore/data/")}
    assert "ec2" not in described
    assert {"sqs", "xray", "endpoints.json"} < described


def test_all_in_a_zip_is_compiled(built, place):
    with zipfile.ZipFile(built.path) as archive:
        names = archive.namelist()
    sources = [name for name in names if name.endswith(".py")]
    tag = f"cpython-{place[0].python.replace('.', '')}"
    assert len(sources) > len(EVERYWHERE)
    assert sum(name.endswith(f".{tag}.pyc") for name in names) == len(sources)
