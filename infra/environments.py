"""Virtual environments, made with progress and only when what they hold has changed.

Only the standard library here: this also makes the environment that the project itself runs in.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.errors import InfraError
from infra.file_lock import LOCK, alone

# What takes a moment: megabytes. All else is in the log.
_DOWNLOADED = re.compile(r"\s*Downloading (?P<file>\S+\.whl) \((?P<size>[\d.]+ [MG]B)\)")
_UNREACHABLE = re.compile(r"Retrying \(|NewConnectionError|NameResolution|ReadTimeout|ProxyError")


@dataclass(frozen=True)
class Environment:
    """A virtual environment in ``directory`` that holds what the ``requirements`` files lock."""

    name: str
    directory: Path
    requirements: tuple[Path, ...]

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    def ensure(self, say: Callable[[str], None]) -> None:
        """Make it, unless it is there and what it should hold has not changed.

        InfraError, and no half-made environment that passes for a whole one, if pip fails; and
        where the directory is a link to one that would have to be made anew: that is another's.
        """
        self._refuse_to_empty_anothers()
        with alone(self.directory):
            if self._current():
                self._stamp.touch()  # newer than the requirements, for those who compare dates
                return
            say(f"making the virtual environment of {self.name} ({self.directory})")
            _clear(self.directory)
            _create(self.directory)
            self._install(say)
            self._stamp.write_text(self._wanted())

    def _refuse_to_empty_anothers(self) -> None:
        link = self.directory.absolute()
        if link.is_symlink() and not self._current():
            raise InfraError(
                f"{link} links to {link.resolve()}, which is not as {self.name} wants it: remove "
                "the link, and an environment is made in its place"
            )

    @property
    def _stamp(self) -> Path:
        return self.directory / "requirements.sha256"

    def _current(self) -> bool:
        """Stamped with today's requirements, and its interpreter has not been uninstalled."""
        stamped = self._stamp.exists() and self._stamp.read_text() == self._wanted()
        return stamped and self.python.exists()

    def _wanted(self) -> str:
        digest = hashlib.sha256()
        for path in _with_included(self.requirements):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def _install(self, say: Callable[[str], None]) -> None:
        files = [word for path in self.requirements for word in ("-r", str(path))]
        command = (
            *(str(self.python), "-m", "pip", "install", "--disable-pip-version-check"),
            *("--require-hashes", "--no-input", "--progress-bar", "off", "--retries", "2", *files),
        )
        log = self.directory / "pip.log"
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as pip:
            assert pip.stdout is not None
            output = _followed(pip.stdout, log, say)
        if pip.returncode:
            raise InfraError(f"could not install {self.name}: {_reason(output)} (see {log})")


def _with_included(files: Iterable[Path]) -> Iterator[Path]:
    """Requirements files with those that they take in (``-r base.txt``)."""
    for path in files:
        yield path
        lines = path.read_text().splitlines()
        yield from _with_included(path.parent / line[3:] for line in lines if line[:3] == "-r ")


def _clear(directory: Path) -> None:
    """Remove everything but the lock, which we hold and others wait for."""
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def _create(directory: Path) -> None:
    made = subprocess.run(
        (sys.executable, "-m", "venv", str(directory)), capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise InfraError(
            f"{sys.executable} cannot make a virtual environment: "
            "install its venv module (Debian and Ubuntu: apt install python3-venv)"
        )


def _followed(lines: Iterable[str], log: Path, say: Callable[[str], None]) -> str:
    """All that pip says: kept in the log, what is slow passed on as progress."""
    kept = []
    with log.open("w") as file:
        for line in lines:
            kept.append(line)
            file.write(line)
            if progress := _progress(line):
                say(progress)
    return "".join(kept)


def _progress(line: str) -> str:
    if found := _DOWNLOADED.match(line):
        package, version = found["file"].rsplit("/", 1)[-1].split("-")[:2]
        return f"  {package} {version} ({found['size']})"
    return "  installing" if line.startswith("Installing collected packages") else ""


def _reason(output: str) -> str:
    if _UNREACHABLE.search(output):
        return "the package registry cannot be reached: check the network, then try again"
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    return errors[0].removeprefix("ERROR: ") if errors else "pip failed"
