"""A small test project with its own library, so that no test needs a network."""

import hashlib
import zipfile
from dataclasses import replace

import pytest

from infra.config.definitions import definitions
from infra.config.stages import Stage

QUEUE_SERVICE = """
name = "{name}"
purpose = "does something"
uploads = {uploads}
rescues = {rescues}
consumes = {consumes}
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

SCHEDULED_SERVICE = """
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


HTTP_SERVICE = """
name = "{name}"
purpose = "serves HTTP"
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


PYPROJECT = """
[project]
name = "toys"
version = "1"
requires-python = ">=3.11"

[dependency-groups]
base = []
"""

LOCK = """
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "{name}"
version = "{version}"
source = {{ registry = "https://pypi.org/simple" }}
wheels = [
    {{ url = "https://nowhere.test/{name}-{version}-py3-none-any.whl", hash = "sha256:{digest}" }},
]

[[package]]
name = "toys"
version = "1"
source = {{ virtual = "." }}

[package.dev-dependencies]
base = [{{ name = "{name}"{marker} }}]
"""

WHEEL = {
    "tiny.py": "SIZE = 1\n",
    "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
    "tiny-1.0.dist-info/WHEEL": (
        "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ),
    "tiny-1.0.dist-info/RECORD": "",
}


class Project:
    """A temporary checkout: services, shared code, and the library that they require."""

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

    def service(
        self, name, consumes='["thing.done.v1"]', uploads="false", rescues="false", more=""
    ):
        toml = QUEUE_SERVICE.format(name=name, consumes=consumes, uploads=uploads, rescues=rescues)
        self.write(f"services/{name}/handler.py", "def handle(batch, context): ...\n")
        return self.write(f"services/{name}/service.toml", toml + more)

    def scheduled_service(self, name):
        """A service that runs on a schedule."""
        return self.write(f"services/{name}/service.toml", SCHEDULED_SERVICE.format(name=name))

    def http_service(self, name):
        """A service that consumes HTTP."""
        return self.write(f"services/{name}/service.toml", HTTP_SERVICE.format(name=name))

    def definitions(self):
        return definitions(self.root)

    def lock(self, name="tiny", version="1.0", *, digest=None, marker=""):
        """Pin one library in the dependency group `base`, as uv would."""
        values = {"name": name, "version": version, "marker": marker}
        digest = digest or hashlib.sha256(self.wheel.read_bytes()).hexdigest()
        return self.write("uv.lock", LOCK.format(digest=digest, **values))

    @property
    def wheel(self):
        return self.root / "wheels" / "tiny-1.0-py3-none-any.whl"

    def _library(self):
        self.wheel.parent.mkdir()
        with zipfile.ZipFile(self.wheel, "w") as wheel:
            for name, text in WHEEL.items():
                wheel.writestr(zipfile.ZipInfo(name), text)
        self.write("pyproject.toml", PYPROJECT)
        self.lock()


@pytest.fixture
def project(tmp_path, monkeypatch):
    project = Project(tmp_path)
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(project.wheel.parent))
    return project


@pytest.fixture(scope="session")
def services():
    """The definitions of all services."""
    return definitions()


@pytest.fixture(scope="session", params=["local", "dev", "prod"])
def stage(request):
    """Each stage, with every optional service."""
    optional = tuple(service.name for service in definitions() if service.optional)
    return replace(Stage.load(request.param), also=optional)


@pytest.fixture(scope="session")
def local():
    return Stage.load("local")


@pytest.fixture(scope="session")
def dev():
    """A stage without settings for single services."""
    return Stage.load("dev")


@pytest.fixture
def said():
    """The progress lines of a deployment: pass `said.append` as `say`."""
    return []
