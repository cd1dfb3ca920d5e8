"""The targets of the Makefile and the commands behind them."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from infra.cli import local
from infra.cli.main import main
from infra.errors import InfraError
from infra.paths import ROOT

MAKEFILE = ROOT / "Makefile"
OLD = ("-o", ".venv/uv.lock.sha256")
"""For make: do not set up the environment first."""


def make(*words: str, **environment: str) -> str:
    command = ("make", "--no-print-directory", "-f", str(MAKEFILE), *words)
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return done.stdout


def test_help_lists_every_target_and_is_what_make_alone_does():
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE.read_text(), re.MULTILINE)

    listed = re.findall(r"^  make (\S+) +\S", make(), re.MULTILINE)

    assert sorted(listed) == sorted(phony.split())


def test_no_target_sees_a_profile_or_credentials_of_the_user(tmp_path: Path):
    (tmp_path / "show.mk").write_text("show:\n\t@env\n")
    users = {"AWS_PROFILE": "prod", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SESSION_TOKEN": "secret"}

    seen = make("-f", str(tmp_path / "show.mk"), "show", **users).splitlines()

    assert "AWS_ACCESS_KEY_ID=test" in seen
    assert not [line for line in seen if line.startswith(("AWS_PROFILE", "AWS_SESSION_TOKEN"))]


@pytest.mark.parametrize("target", ["deploy", "destroy"])
def test_what_goes_to_aws_goes_with_the_users_own_credentials_and_to_no_emulator(
    tmp_path: Path, target: str
):
    (tmp_path / "show.mk").write_text(f"{target}: show\nshow:\n\t+@env\n")
    users = {"AWS_PROFILE": "prod", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_ENDPOINT_URL": "http://x"}

    said = make("-f", str(tmp_path / "show.mk"), "-n", target, *OLD, **users)

    assert {"AWS_PROFILE=prod", "AWS_ACCESS_KEY_ID=AKIA"} <= set(said.splitlines())
    assert "AWS_ENDPOINT_URL" not in said


@pytest.mark.parametrize("target", ["deploy", "destroy"])
def test_what_goes_to_aws_goes_alone(target: str):
    with pytest.raises(subprocess.CalledProcessError) as refused:
        make("-n", target, "test")
    assert f"{target} goes alone" in refused.value.stderr


@pytest.mark.parametrize("target", ["deploy", "destroy"])
def test_what_goes_to_aws_wants_to_know_the_stage(target: str):
    with pytest.raises(subprocess.CalledProcessError) as refused:
        make(target, *OLD, STAGE="")
    assert "error: which stage?" in refused.value.stderr


def test_a_deployment_is_told_what_was_asked_for():
    said = make("-n", *OLD, "deploy", "STAGE=prod", "REGION=eu-west-1", "YES=1")
    wanted = '-m infra deploy --stage "$STAGE" --region "$REGION"   --yes'
    assert wanted in said


def test_a_file_name_reaches_upload_as_it_is(tmp_path: Path):
    said = make("-n", "-o", ".venv/uv.lock.sha256", "upload", "FILE=a b'c.jpg")

    assert '"$FILE"' in said
    assert "a b'c" not in said


@pytest.mark.parametrize("command", ["up", "down", "demo", "follow", "upload", "status"])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])

    assert command in capsys.readouterr().out


def test_a_photo_that_is_not_there_is_told_before_anything_is_started(capsys):
    assert main(["demo", "no-such-photo.jpg"]) == 1
    assert capsys.readouterr().err == "error: there is no file no-such-photo.jpg\n"


@pytest.mark.parametrize("port", ["99", "65535", "http", "-4566"])
def test_a_port_that_cannot_be_is_a_mistake_of_usage(port, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["up", f"--port={port}"])

    assert "is no number from 1024 to 65534" in capsys.readouterr().err


def test_without_an_environment_follow_says_how_to_get_one(capsys):
    assert main(["follow", "--endpoint-url", "http://localhost:1"]) == 1
    assert "make local-up" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_command_in_a_scripts_background_stops_on_either_signal(stop: signal.Signals):
    """A shell starts such a job with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(InfraError, match="interrupted"), local._stoppable("interrupted"):
            signal.raise_signal(stop)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
