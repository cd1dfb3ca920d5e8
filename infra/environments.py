"""Create virtual environments from pyproject.toml's dependency groups, pinned by uv.lock.

Only the standard library: this also creates ``.venv``, the environment that the project runs in.
"""

import ast
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.errors import InfraError
from infra.file_lock import exclusive_lock
from infra.paths import ENVIRONMENTS, ROOT

VENV = ROOT / ".venv"

# uv does not read pip's settings: these are pip's, with the equivalent variable of uv.
_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "ALL_PROXY",
    "cert": "SSL_CERT_FILE",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}
_UNREACHABLE = re.compile(r"error sending request|dns error|timed out|Retrying \(")


@dataclass(frozen=True)
class Environment:
    """A virtual environment in ``directory`` with the packages of a dependency group."""

    name: str
    directory: Path
    group: str

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    def ensure(self, say: Callable[[str], None]) -> None:
        """Create it unless it exists and uv.lock is unchanged. A second process waits.

        InfraError if a package cannot be installed, or if the directory is a link to an outdated
        environment: that belongs to another checkout.
        """
        with exclusive_lock(ENVIRONMENTS):
            if not self._is_current():
                self._create(say)
            self._stamp.touch()  # make compares its date with uv.lock's

    @property
    def _stamp(self) -> Path:
        return self.directory / "uv.lock.sha256"

    def _digest(self) -> str:
        return hashlib.sha256((ROOT / "uv.lock").read_bytes()).hexdigest() + f" {self.group}"

    def _is_current(self) -> bool:
        stamped = self._stamp.exists() and self._stamp.read_text() == self._digest()
        return stamped and self.python.exists()

    def _create(self, say: Callable[[str], None]) -> None:
        if self.directory.is_symlink():
            raise InfraError(f"{self.directory} links to an outdated environment: remove the link")
        say(f"creating the virtual environment of {self.name} ({self.directory})")
        options = () if self.directory == VENV else ("--without-pip",)
        _run(sys.executable, "-m", "venv", "--clear", *options, str(self.directory))
        if self.directory == VENV:
            _install_uv()
        install(requirements([self.group]), "--python", str(self.python), say=say)
        self._stamp.write_text(self._digest())


def uv() -> Path:
    """The uv of ``.venv``, or beside the running Python where a copy of the checkout has none."""
    pinned = VENV / "bin" / "uv"
    return pinned if pinned.exists() else Path(sys.executable).with_name("uv")


def requirements(groups: Iterable[str], root: Path = ROOT) -> str:
    """All packages of these dependency groups, pinned with hashes, as a requirements file."""
    selection = [argument for group in groups for argument in ("--only-group", group)]
    options = ("--quiet", "--frozen", "--no-header", "--no-annotate")
    return _run(str(uv()), "export", *options, "--project", str(root), *selection)


def install(pinned: str, *options: str, say: Callable[[str], None] = lambda _: None) -> None:
    """Install a requirements file from the user's package index; `options` set the destination.

    Not ``uv sync``: that downloads from the addresses in uv.lock, also where pip has a mirror.
    """
    command = (str(uv()), "pip", "install", "--require-hashes", "--no-deps", *options)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(pinned)
        file.flush()
        _run(*command, "--requirement", file.name, settings=index_settings(), say=say)


def index_settings() -> dict[str, str]:
    """The user's settings for pip, as environment variables for uv."""
    config = _run(str(uv().with_name("python")), "-m", "pip", "config", "list")
    settings = {}
    for line in sorted(config.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        if variable := _SETTINGS.get(name.rpartition(".")[2]):
            separator = "," if variable == "UV_FIND_LINKS" else " "
            settings[variable] = separator.join(ast.literal_eval(value).split())
    # Like pip, look in every index: the hashes reject another package of the same name.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match"} | settings


def _install_uv() -> None:
    """Install the uv that uv.lock pins, by pip and with its hashes."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    (package,) = [package for package in packages if package["name"] == "uv"]
    hashes = [f"--hash={wheel['hash']}" for wheel in package["wheels"]]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(" ".join([f"uv=={package['version']}", *hashes]))
        file.flush()
        options = (
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "--no-input",
            "--retries",
            "2",
        )
        _run(str(VENV / "bin" / "pip"), "install", *options, "--requirement", file.name)


def _run(
    *command: str,
    settings: dict[str, str] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> str:
    """Run a program and return its output; `say` gets its download lines.

    InfraError with the program's reason if it fails.
    """
    variables = {"UV_PYTHON_DOWNLOADS": "never"} | (settings or {}) | os.environ
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen(command, env=variables, stdout=output, stderr=pipe, text=True) as process,
    ):
        assert process.stderr is not None
        errors = []
        for line in process.stderr:
            errors.append(line)
            if line.startswith("Downloading "):
                say(f"  {line.rstrip()}")
        process.wait()
        output.seek(0)
        printed = output.read()
    if process.returncode:
        raise InfraError(_reason("".join(errors) + printed))
    return printed


def _reason(output: str) -> str:
    if _UNREACHABLE.search(output):
        return "the package index cannot be reached: check the network, then try again"
    if "ensurepip is not available" in output or "No module named venv" in output:
        return "Python has no venv module (Debian and Ubuntu: apt install python3-venv)"
    error = re.search(r"^error: (.*?)(?=\n\n|\Z)", output, re.IGNORECASE | re.MULTILINE | re.DOTALL)
    return " ".join((error[1] if error else output).split())
