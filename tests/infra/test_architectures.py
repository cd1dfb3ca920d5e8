"""Every binary in a zip is for the architecture of its function, on every building machine.

Slow: the zips are built with the real libraries, which the first run downloads.
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
LINUX = [(name, Target.linux(each)) for name in ("resize", "store") for each in ELF]
AWS = [(name, Target.aws(Stage.load("prod"))) for name in SERVICES]


def binaries(archive):
    """The file name and ELF machine number of each shared library."""
    for name in archive.namelist():
        head = archive.open(name).read(20)
        if head[:4] == b"\x7fELF":
            yield name, struct.unpack_from("<H", head, 18)[0]


def platforms(archive):
    """The platform tags of the installed wheels, without those for any platform."""
    wheels = [name for name in archive.namelist() if name.endswith(".dist-info/WHEEL")]
    tags = "".join(archive.read(name).decode() for name in wheels)
    return {tag for tag in re.findall(r"^Tag: \S+-(\S+)$", tags, re.MULTILINE) if tag != "any"}


@pytest.mark.parametrize(("name", "target"), [*LINUX, *AWS])
def test_every_binary_and_wheel_is_for_the_functions_architecture(name, target):
    architecture = target.of(SERVICES[name]).architecture
    with zipfile.ZipFile(package(SERVICES[name], target).path) as archive:
        machines = dict(binaries(archive))
        assert {name for name in machines if "pydantic_core" in name}
        assert set(machines.values()) == {ELF[architecture]}
        assert platforms(archive)
        assert all(WHEEL[architecture] in tag for tag in platforms(archive))
        assert not [n for n in machines if "cpython-" in n and "cpython-313" not in n]


def test_the_template_has_the_architecture_of_each_zip():
    prod = Stage.load("prod")
    parameters = stage_template(SERVICES.values(), prod)["Parameters"]
    for definition in prod.run(SERVICES.values()):
        default = parameters[f"{definition.name.capitalize()}Architecture"]["Default"]
        assert default == Target.aws(prod).of(definition).architecture


@pytest.mark.parametrize("architecture", ELF)
def test_resize_has_the_simd_resizer_on_x86_64(architecture):
    built = package(SERVICES["resize"], Target.linux(architecture))
    with zipfile.ZipFile(built.path) as archive:
        files = [name for name in archive.namelist() if name.startswith("cykooz_resizer/")]
    assert bool(files) is (architecture == "x86_64")
