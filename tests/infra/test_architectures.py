"""Every binary in a zip is for the processor that the function gets, whatever machine packs it.

Built with the real libraries, from the package registry on the first run; hence the mark.
"""

import re
import struct
import zipfile

import pytest

from infra.config.definitions import definitions
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template
from infra.packaging.package import Target, package

pytestmark = pytest.mark.slow

ELF = {"x86_64": 62, "arm64": 183}  # e_machine
WHEEL = {"x86_64": "x86_64", "arm64": "aarch64"}
SERVICES = {each.name: each for each in definitions()}
EITHER = [(name, Target.linux(each)) for name in ("resize", "store") for each in ELF]
AWS = [(name, Target.aws(Stage.load("prod"))) for name in SERVICES]


def binaries(archive):
    """File name to the processor of each shared library."""
    for name in archive.namelist():
        head = archive.open(name).read(20)
        if head[:4] == b"\x7fELF":
            yield name, struct.unpack_from("<H", head, 18)[0]


def platforms(archive):
    """The platform tags of the wheels that were installed, without those that run anywhere."""
    wheels = [name for name in archive.namelist() if name.endswith(".dist-info/WHEEL")]
    said = "".join(archive.read(name).decode() for name in wheels)
    return {tag for tag in re.findall(r"^Tag: \S+-(\S+)$", said, re.MULTILINE) if tag != "any"}


@pytest.mark.parametrize(("name", "target"), [*EITHER, *AWS])
def test_every_binary_and_every_wheel_is_for_the_functions_processor(name, target):
    own = target.of(SERVICES[name]).architecture
    with zipfile.ZipFile(package(SERVICES[name], target).path) as archive:
        found = dict(binaries(archive))
        assert {name for name in found if "pydantic_core" in name}
        assert set(found.values()) == {ELF[own]}
        assert platforms(archive)
        assert all(WHEEL[own] in tag for tag in platforms(archive))
        assert not [n for n in found if "cpython-" in n and "cpython-313" not in n]


def test_the_function_has_the_architecture_of_its_zip():
    prod = Stage.load("prod")
    said = stage_template(SERVICES.values(), prod)["Parameters"]
    for each in prod.run(SERVICES.values()):
        default = said[f"{each.name.capitalize()}Architecture"]["Default"]
        assert default == Target.aws(prod).of(each).architecture


@pytest.mark.parametrize("architecture", ELF)
def test_resize_carries_the_simd_resizer_where_there_is_one(architecture):
    built = package(SERVICES["resize"], Target.linux(architecture))
    with zipfile.ZipFile(built.path) as archive:
        carried = [name for name in archive.namelist() if name.startswith("cykooz_resizer/")]
    assert bool(carried) is (architecture == "x86_64")
