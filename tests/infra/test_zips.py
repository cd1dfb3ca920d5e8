"""Every function's zip starts with nothing but Python, as in Lambda.

Slow: the zips are built with the real libraries, which the first run downloads.
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


COMMON = {
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
FURTHER = {"api": {"aws_lambda_powertools"}, "resize": {"PIL"} | SIMD}
"""The modules of its zip that a function may load before the first message. Each library takes
milliseconds of every start, and the X-Ray SDK half as much as all others.
"""
PICTURES = {"Avif", "Bmp", "Gif", "Jpeg", "Png", "Tiff", "WebP"}
"""The formats that ``resize`` accepts, and the modules that Pillow needs for them."""
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
    """A Python 3.13 of this machine, for the zips for AWS; None if there is none."""
    pyenv = Path.home().glob(".pyenv/versions/3.13.*/bin/python")
    candidates = [shutil.which("python3.13"), *map(str, pyenv)]
    program = "import sys; sys.exit(sys.version_info[:2] != (3, 13))"
    for python in filter(None, candidates):
        done = subprocess.run(
            [python, "-c", program], check=False, capture_output=True, timeout=TIMEOUT
        )
        if done.returncode == 0:
            return python
    return None


@pytest.fixture(scope="session", params=["here", "aws"])
def place(request, tmp_path_factory):
    """A target, and an interpreter without libraries that can start its zips."""
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
    (definition,) = [each for each in definitions() if each.name == service]
    return package(definition, place[0])


@pytest.fixture
def loaded(built, place, tmp_path):
    """The loaded modules after the start of the function, with their files."""
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [place[1], "-I", "-W", "error", "-c", LOADED, tmp_path],
        env={"PATH": os.defpath},  # the imports read no variable
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_function_starts_alone_and_loads_only_what_it_needs(loaded, service, tmp_path):
    from_zip = {name for name, file in loaded.items() if file.startswith(str(tmp_path))}
    tops = {name.partition(".")[0] for name in from_zip}
    assert tops == COMMON | FURTHER.get(service, set())
    assert f"services.{service}.handler" in from_zip
    assert not {"boto3", "s3transfer", "multiprocessing", "ctypes"} & set(loaded)
    formats = {
        name[4:-11] for name in from_zip if name.startswith("PIL.") and "ImagePlugin" in name
    }
    assert formats == (PICTURES if service == "resize" else set())


def test_a_zip_has_no_unneeded_files(built):
    with zipfile.ZipFile(built.path) as archive:
        names = [entry.filename for entry in archive.infolist()]
    assert built.size.zipped < 30 * MEGABYTE  # Lambda's limits are 50
    assert built.size.unzipped < 100 * MEGABYTE  # and 250
    assert not [name for name in names if name.startswith(("boto3", "s3transfer", "bin/"))]
    assert not [name for name in names if name.endswith(".toml")]
    own = [name for name in names if name.startswith(("shared/", "services/", "tests/"))]
    assert not [name for name in own if re.search(r"^tests/|test|fake", name)]
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/")}
    assert "ec2" not in services
    assert {"sqs", "xray", "endpoints.json"} < services


def test_only_resize_has_other_files_than_code(built, service):
    with zipfile.ZipFile(built.path) as archive:
        own = [name for name in archive.namelist() if name.startswith(("shared/", "services/"))]
    others = {name for name in own if not name.endswith((".py", ".pyc"))}
    profile = "services/resize/pictures/profiles/chemical_proof.icc"
    assert others == ({profile} if service == "resize" else set())


def test_every_source_in_a_zip_is_compiled(built, place):
    with zipfile.ZipFile(built.path) as archive:
        names = archive.namelist()
    sources = [name for name in names if name.endswith(".py")]
    tag = f"cpython-{place[0].python.replace('.', '')}"
    assert len(sources) > len(COMMON)
    assert sum(name.endswith(f".{tag}.pyc") for name in names) == len(sources)
