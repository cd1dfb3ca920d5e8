"""The zips: the same bytes for the same inputs, with only the files of the service."""

import argparse
import importlib.util
import re
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath

import pytest

from infra.cli.deploy import add_target, chosen_target
from infra.config.stages import Stage
from infra.errors import InfraError
from infra.packaging.package import (
    HANDLER,
    Size,
    Target,
    package,
)


@pytest.fixture
def build(project):
    def build(name="toy", target=None):
        (definition,) = [d for d in project.definitions() if d.name == name]
        return package(definition, target or Target.here())

    return build


@pytest.fixture
def toy(project):
    project.service("toy")
    project.write("shared/bus.py", "TOPIC = 1\n")
    return project


def names(built):
    with zipfile.ZipFile(built.path) as archive:
        return set(archive.namelist())


def test_a_zip_has_the_service_shared_code_and_its_libraries(toy, build):
    assert {name for name in names(build()) if not name.endswith(".pyc")} == {
        "start.py",
        "services/__init__.py",
        "services/toy/handler.py",
        "shared/__init__.py",
        "shared/bus.py",
        "tiny.py",
        "tiny-1.0.dist-info/METADATA",
        "tiny-1.0.dist-info/WHEEL",
    }


def test_a_zip_has_the_watermarks_of_its_service(toy, build):
    before = names(build())
    toy.write("services/toy/logo.png", "not shipped")
    logo = toy.write("services/toy/watermarks/logo.png", "")
    logo.write_bytes(b"\x89PNG\xff")  # no text
    assert names(build()) - before == {"services/toy/watermarks/logo.png"}


def test_a_colour_profile_of_the_service_is_in_its_zip(toy, build):
    toy.write("services/toy/profiles/inks.icc", "not text\0")
    toy.write("services/toy/profiles/NOTICE", "its licence")
    assert {name for name in names(build()) if "profiles" in name} == {
        "services/toy/profiles/inks.icc"
    }


def test_a_changed_colour_profile_changes_the_zip(toy, build):
    toy.write("services/toy/inks.icc", "old")
    before = build()
    toy.write("services/toy/inks.icc", "new")
    assert build().sha256 != before.sha256


def test_every_source_has_its_bytecode(toy, build):
    files = {PurePath(name) for name in names(build())}
    sources = {name for name in files if name.suffix == ".py"}
    tag = sys.implementation.cache_tag
    compiled = {source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc" for source in sources}
    assert sources
    assert {name for name in files if name.suffix == ".pyc"} == compiled


def test_bytecode_is_loaded_without_checking_its_source(toy, build):
    with zipfile.ZipFile(build().path) as archive:
        (name,) = [name for name in archive.namelist() if "bus" in name and name.endswith("pyc")]
        head = archive.read(name)[:8]
    assert head == importlib.util.MAGIC_NUMBER + b"\1\0\0\0"  # hash-based, and not checked


def test_without_a_matching_interpreter_a_zip_has_no_bytecode(toy):
    progress = []
    (definition,) = toy.definitions()
    built = package(definition, Target.linux("x86_64", python="3.99"), progress.append)
    assert "no Python 3.99 here: toy will compile at each start" in progress
    assert "services/toy/handler.py" in names(built)
    assert not [name for name in names(built) if name.endswith(".pyc")]


def test_a_syntax_error_fails_the_build(toy, build):
    toy.write("services/toy/steps.py", "def broken(:\n")
    with pytest.raises(InfraError, match=r"cannot be compiled.*steps\.py"):
        build()


def test_garbage_collection_is_on_again_after_the_start(toy, build, tmp_path):
    with zipfile.ZipFile(build().path) as archive:
        archive.extractall(tmp_path / "task")
    program = (
        "import gc, start; print(start.handle({}, None), gc.isenabled(), gc.get_freeze_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path / "task",
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    result, enabled, frozen = done.stdout.split()
    assert (result, enabled) == ("None", "True")
    assert int(frozen) > 0


def test_the_handler_of_the_template_is_in_the_zip(toy, build):
    module, _, function = HANDLER.partition(".")
    with zipfile.ZipFile(build().path) as archive:
        assert f"import {function}\n" in archive.read(f"{module}.py").decode()


def test_the_progress_reports_the_size_of_a_zip(toy):
    progress = []
    (definition,) = toy.definitions()
    built = package(definition, Target.here(), progress.append)
    assert progress[-1] == f"built toy: {built.size}"
    assert re.fullmatch(r"built toy: [\d.]+ MB, [\d.]+ MB unzipped", progress[-1])


@pytest.mark.parametrize(
    ("size", "allowed"),
    [
        (Size(50_000_000, 250_000_000), True),
        (Size(50_000_001, 1), False),
        (Size(1, 250_000_001), False),
    ],
)
def test_lambda_accepts_50_mb_zipped_and_250_mb_unzipped(size, allowed):
    assert size.allowed is allowed


def test_a_zip_that_is_too_large_is_not_built(toy, build, monkeypatch):
    monkeypatch.setattr("infra.packaging.package.LARGEST_ZIP", 1000)
    with pytest.raises(InfraError, match="too large for Lambda"):
        build()
    assert not list((toy.root / ".darkroom/packages").glob("*.zip"))


def test_another_service_is_not_in_the_zip(toy, build):
    toy.service("other")
    assert not [name for name in names(build()) if "other" in name]


def test_two_builds_give_the_same_bytes(toy, build):
    first = build()
    first.path.unlink()
    for path in toy.root.rglob("*.py"):
        path.touch()
    assert build() == first
    assert first.path.exists()


def test_concurrent_builds_build_a_zip_once(toy, said):
    (definition,) = toy.definitions()
    with ThreadPoolExecutor(3) as pool:
        zips = list(pool.map(lambda _: package(definition, Target.here(), said.append), range(3)))
    assert sum(line.startswith("built") for line in said) == 1
    assert len(set(zips)) == 1


def test_another_checkout_gives_the_same_bytes(toy, build, tmp_path_factory):
    other = type(toy)(tmp_path_factory.mktemp("elsewhere"))
    other.service("toy")
    other.write("shared/bus.py", "TOPIC = 1\n")
    (definition,) = other.definitions()
    assert package(definition, Target.here()).sha256 == build().sha256


def test_an_unchanged_zip_is_not_rebuilt(toy, build):
    first = build()
    built_at = first.path.stat().st_mtime_ns
    assert build().path.stat().st_mtime_ns == built_at


def test_a_changed_file_changes_only_its_service(toy, build):
    toy.service("other")
    before = {name: build(name).sha256 for name in ("toy", "other")}
    toy.write("services/toy/handler.py", "def handle(batch, context): return {}\n")
    after = {name: build(name).sha256 for name in ("toy", "other")}
    assert after["toy"] != before["toy"]
    assert after["other"] == before["other"]


def test_shared_code_changes_every_service(toy, build):
    toy.service("other")
    before = {build(name).sha256 for name in ("toy", "other")}
    toy.write("shared/bus.py", "TOPIC = 2\n")
    assert not before & {build(name).sha256 for name in ("toy", "other")}


def test_an_older_zip_is_deleted(toy, build):
    older = build().path
    toy.write("shared/bus.py", "TOPIC = 2\n")
    newer = build().path
    assert not older.exists()
    assert newer.exists()


def test_the_name_of_a_zip_has_its_target(toy, build):
    target = Target.linux("x86_64")
    assert target.runtime == "python3.13"
    assert "python3.13-linux-x86_64" in build(target=target).path.name


def test_every_file_in_a_zip_can_be_read_by_the_function(toy, build):
    with zipfile.ZipFile(build().path) as archive:
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes == {0o100644}


def test_a_library_without_a_wheel_is_named(toy, build):
    toy.lock("missing", "9.9")
    with pytest.raises(InfraError, match=r"for python3\.13-linux-arm64: .*missing==9\.9"):
        build(target=Target.linux("aarch64"))


def test_a_failed_install_leaves_no_libraries(toy, build):
    toy.lock("missing", "9.9")
    with pytest.raises(InfraError):
        build()
    assert not list((toy.root / ".darkroom/libraries").iterdir())
    toy.lock()
    assert "tiny.py" in names(build())


def test_a_library_with_another_hash_than_the_locked_one_is_refused(toy, build):
    toy.lock(digest="0" * 64)
    with pytest.raises(InfraError, match=r"Hash mismatch for `tiny==1\.0`"):
        build()


def test_a_library_for_one_architecture_is_only_in_its_zip(toy, build):
    toy.lock(marker=""", marker = "platform_machine == 'x86_64'" """)
    assert "tiny.py" in names(build(target=Target.linux("x86_64")))
    assert "tiny.py" not in names(build(target=Target.linux("arm64")))


def test_a_service_may_set_its_architecture(toy, dev):
    path = toy.service("quick")
    path.write_text(path.read_text().replace("timeout", 'architecture = "x86_64"\ntimeout'))
    services = {definition.name: definition for definition in toy.definitions()}
    aws = {
        name: Target.aws(dev).of(definition).architecture for name, definition in services.items()
    }
    assert aws == {"toy": "arm64", "quick": "x86_64"}
    assert Target.linux("arm64").of(services["quick"]).architecture == "arm64"


def test_an_unknown_dependency_group_is_named(toy, build):
    path = toy.root / "services/toy/service.toml"
    path.write_text(path.read_text().replace('["base"]', '["base", "extra"]'))
    with pytest.raises(InfraError, match=r"service\.toml: requires: Group `extra` is not defined"):
        build()


@pytest.mark.parametrize(("word", "architecture"), [("aarch64", "arm64"), ("AMD64", "x86_64")])
def test_an_architecture_has_several_names(word, architecture):
    assert Target.linux(word).architecture == architecture


def test_an_architecture_that_lambda_does_not_support_is_refused():
    with pytest.raises(InfraError, match="not on riscv64"):
        Target.linux("riscv64")


def test_a_file_that_is_not_an_interpreter_is_refused(tmp_path):
    with pytest.raises(InfraError, match="is not a Python interpreter"):
        Target.here(tmp_path / "python")


def test_the_version_of_an_interpreter_is_its_runtime(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 3.12\n")
    python.chmod(0o755)
    assert Target.here(python).runtime == "python3.12"


@pytest.mark.parametrize(
    ("name", "words", "runtime", "architecture"),
    [
        ("prod", [], "python3.13", "arm64"),
        ("prod", ["--architecture", "x86_64"], "python3.13", "x86_64"),
        ("local", ["--for", "linux", "--architecture", "arm64"], "python3.13", "arm64"),
        ("local", [], Target.here().runtime, Target.here().architecture),
        ("prod", ["--for", "here"], Target.here().runtime, Target.here().architecture),
    ],
)
def test_zips_are_built_for_the_stages_platform(name, words, runtime, architecture):
    parser = argparse.ArgumentParser()
    add_target(parser)
    target = chosen_target(parser.parse_args(words), Stage.load(name))
    assert (target.runtime, target.architecture) == (runtime, architecture)
