"""A small project of its own, with a library of its own, so that no test needs a network."""

import hashlib
import zipfile
from dataclasses import replace

import pytest

from infra.config.definitions import definitions
from infra.config.stages import Stage

TOY = """
name = "{name}"
purpose = "does something"
uploads = {uploads}
rescues = {rescues}
consumes = {answers}
publishes = ["thing.done.v1"]
requires = ["base"]

[function]
memory = 256
timeout = 10
batch = 5
concurrency = 2
worst_case = 3
max_attempts = 5
"""

CLOCKWORK = """
name = "{name}"
purpose = "does something every hour"
uploads = false
schedule = "rate(1 hour)"
consumes = []
publishes = ["thing.done.v1"]
requires = ["base"]

[function]
memory = 256
timeout = 10
worst_case = 3
"""


DOOR = """
name = "{name}"
purpose = "answers"
uploads = false
http = true
consumes = []
publishes = []
requires = ["base"]

[function]
memory = 256
timeout = 10
worst_case = 3
"""


class Project:
    """A checkout in the making: services, shared code, and the one library they require."""

    def __init__(self, root) -> None:
        self.root = root
        self.write("services/__init__.py", "")
        self.write("shared/__init__.py", "")
        self._library()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def service(self, name, answers='["thing.done.v1"]', uploads="false", rescues="false", more=""):
        toml = TOY.format(name=name, answers=answers, uploads=uploads, rescues=rescues)
        self.write(f"services/{name}/handler.py", "def handle(batch, context): ...\n")
        return self.write(f"services/{name}/service.toml", toml + more)

    def clockwork(self, name):
        """A service that runs on a schedule."""
        return self.write(f"services/{name}/service.toml", CLOCKWORK.format(name=name))

    def door(self, name):
        """A service that answers HTTP."""
        return self.write(f"services/{name}/service.toml", DOOR.format(name=name))

    def definitions(self):
        return definitions(self.root)

    def _library(self):
        wheels = self.root / "wheels"
        wheels.mkdir()
        with zipfile.ZipFile(wheels / "tiny-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("tiny.py", "SIZE = 1\n")
            information = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
            wheel.writestr("tiny-1.0.dist-info/METADATA", information)
            tag = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            wheel.writestr("tiny-1.0.dist-info/WHEEL", tag)
            wheel.writestr("tiny-1.0.dist-info/RECORD", "")
        (tiny,) = wheels.iterdir()
        digest = hashlib.sha256(tiny.read_bytes()).hexdigest()
        pinned = f"--no-index\n--find-links {wheels.as_uri()}\ntiny==1.0 --hash=sha256:{digest}\n"
        self.write("infra/requirements/locked/base.txt", pinned)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture(scope="session")
def everyone():
    return definitions()


@pytest.fixture(scope="session", params=["local", "dev", "prod"])
def stage(request):
    """Each stage with every optional service switched on: more to hold to the rules, not less."""
    optional = tuple(each.name for each in definitions() if each.optional)
    return replace(Stage.load(request.param), also=optional)


@pytest.fixture(scope="session")
def local():
    return Stage.load("local")


@pytest.fixture(scope="session")
def dev():
    """A stage that sets nothing for any one service."""
    return Stage.load("dev")


@pytest.fixture
def said():
    """What a deployment said; give its `append` as `say`."""
    return []
