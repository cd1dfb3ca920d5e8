"""Virtual environments: real ones, with a package that the tests build."""

import hashlib
import socket
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from infra import environments
from infra.environments import Environment, index_settings, install, requirements
from infra.errors import InfraError

pytestmark = pytest.mark.slow


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch) -> Path:
    """A checkout with its own lock; its one package comes from a folder, not from an index."""
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(environments, "requirements", lambda _: (tmp_path / "pins").read_text())
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    (tmp_path / "uv.lock").write_text("# one\n")
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "SIZE = 1\n")
        archive.writestr(
            "tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
        )
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "pins").write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    return tmp_path


@pytest.fixture
def environment(checkout: Path) -> Environment:
    return Environment("the tool", checkout / "environment", "tool")


def test_an_environment_is_recreated_only_when_the_lock_changes(checkout, environment, say):
    environment.ensure(say)
    assert list(environment.directory.rglob("tiny.py"))
    marker = environment.directory / "marker"
    marker.touch()

    environment.ensure(say)
    assert marker.exists()

    (checkout / "uv.lock").write_text("# two\n")
    environment.ensure(say)
    assert not marker.exists()
    assert str(say).count("creating the virtual environment of the tool") == 2


def test_an_incomplete_environment_is_recreated(environment, say):
    (environment.directory / "bin").mkdir(parents=True)
    environment.python.write_text("#!/bin/false")

    environment.ensure(say)

    assert environment.python.resolve().read_bytes()[:4] != b"#!/b"


def test_a_second_process_waits_for_the_first(environment, say):
    threads = [threading.Thread(target=environment.ensure, args=(say,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert str(say).count("creating") == 1


def test_a_failed_installation_is_not_current(checkout, environment, say):
    (checkout / "pins").write_text(f"no-such-package==1 --hash=sha256:{'0' * 64}\n")
    for _ in range(2):
        with pytest.raises(InfraError, match=r"no-such-package==1"):
            environment.ensure(say)
    assert str(say).count("creating") == 2


def test_an_environment_of_another_checkout_is_not_changed(checkout, environment, say):
    other = checkout / "another checkout"
    (other / "bin").mkdir(parents=True)
    environment.directory.symlink_to(other)

    with pytest.raises(InfraError, match=r"links to an outdated environment: remove the link"):
        environment.ensure(say)

    assert list(other.iterdir()) == [other / "bin"]


def test_a_link_to_a_current_environment_is_used(checkout, environment, say):
    environment.ensure(say)
    link = checkout / "link"
    link.symlink_to(environment.directory)

    Environment("the tool", link, "tool").ensure(say)

    assert str(say).count("creating") == 1


def test_an_unreachable_index_is_reported_in_one_line(checkout, environment, say, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.delenv("UV_NO_INDEX")
        monkeypatch.delenv("UV_FIND_LINKS")
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        monkeypatch.setenv("UV_DEFAULT_INDEX", address)

        with pytest.raises(InfraError, match=r"^the package index cannot be reached: check"):
            environment.ensure(say)


@pytest.mark.usefixtures("checkout")
def test_a_package_without_a_hash_is_not_installed(tmp_path):
    with pytest.raises(InfraError, match="all requirements must have a hash"):
        install("tiny==1.0\n", "--target", str(tmp_path / "target"), "--python", sys.executable)


def test_an_unknown_dependency_group_is_an_error_that_names_it():
    with pytest.raises(InfraError, match="Group `nobody` is not defined"):
        requirements(["nobody"])


def test_uv_uses_the_package_index_of_pips_settings(tmp_path, monkeypatch):
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://one.test/simple\nfind-links =\n  /a\n  /b\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    settings = index_settings()
    assert settings["UV_DEFAULT_INDEX"] == "https://one.test/simple"
    assert settings["UV_FIND_LINKS"] == "/a,/b"

    monkeypatch.setenv("PIP_INDEX_URL", "https://two.test/simple")
    assert index_settings()["UV_DEFAULT_INDEX"] == "https://two.test/simple"
