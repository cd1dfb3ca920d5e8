"""Virtual environments: real ones, of nothing that would have to be fetched."""

import socket
import zipfile
from pathlib import Path

import pytest

from infra.environments import Environment
from infra.errors import InfraError

pytestmark = pytest.mark.slow

LOCKED = f"no-such-package==1 --hash=sha256:{'0' * 64}\n"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    (tmp_path / "base.txt").write_text("# nothing yet\n")
    (tmp_path / "all.txt").write_text("-r base.txt\n")
    return Environment("the tool", tmp_path / "environment", (tmp_path / "all.txt",))


def test_it_is_made_once_and_kept_until_an_included_file_changes(environment, say):
    environment.ensure(say)
    marker = environment.directory / "made-before"
    marker.touch()

    environment.ensure(say)
    assert marker.exists()

    (environment.requirements[0].parent / "base.txt").write_text("# something else\n")
    environment.ensure(say)
    assert not marker.exists()
    assert str(say).count("making the virtual environment of the tool") == 2


def test_a_half_made_one_is_made_again(environment, say):
    (environment.directory / "bin").mkdir(parents=True)
    environment.python.write_text("#!/bin/false")

    environment.ensure(say)

    assert "making" in str(say)
    assert environment.python.resolve().read_bytes()[:4] != b"#!/b"


def test_a_registry_out_of_reach_is_one_clear_line(environment, say, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        monkeypatch.setenv("PIP_NO_INDEX", "0")
        environment.requirements[0].write_text(f"--index-url {nobody}\n{LOCKED}")

        with pytest.raises(InfraError, match=r"the tool: the package registry cannot be reached"):
            environment.ensure(say)


def test_a_failed_installation_is_not_taken_for_a_whole_one(environment, say):
    environment.requirements[0].write_text(f"--no-index\n{LOCKED}")

    for _ in range(2):
        with pytest.raises(InfraError, match=r"the tool: .*no-such-package==1"):
            environment.ensure(say)

    assert str(say).count("making") == 2


def test_an_environment_of_another_checkout_is_not_emptied(environment, say, tmp_path):
    anothers = tmp_path / "another checkout"
    (anothers / "bin").mkdir(parents=True)
    environment.directory.symlink_to(anothers)

    with pytest.raises(InfraError, match=r"environment links to .*another checkout.*remove the"):
        environment.ensure(say)

    assert list(anothers.iterdir()) == [anothers / "bin"]


def test_a_link_to_nowhere_is_the_same_clear_line(environment, say, tmp_path):
    environment.directory.symlink_to(tmp_path / "removed")
    with pytest.raises(InfraError, match=r"links to .*removed"):
        environment.ensure(say)


def test_a_link_to_one_that_holds_what_is_wanted_will_do(environment, say, tmp_path):
    environment.ensure(say)
    link = tmp_path / "link"
    link.symlink_to(environment.directory)

    Environment("the tool", link, environment.requirements).ensure(say)

    assert str(say).count("making") == 1


def test_what_is_not_locked_is_not_installed(environment, say, tmp_path):
    with zipfile.ZipFile(tmp_path / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\n")
    environment.requirements[0].write_text(f"--no-index\n--find-links {tmp_path}\ntiny==1.0\n")

    with pytest.raises(InfraError, match="the tool: Hashes are required"):
        environment.ensure(say)
