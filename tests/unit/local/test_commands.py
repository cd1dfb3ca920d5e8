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


def make(*arguments: str, **environment: str) -> str:
    command = ("make", "--no-print-directory", "-f", str(MAKEFILE), *arguments)
    process = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return process.stdout


def test_help_lists_every_target_and_is_the_default_target():
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
def test_targets_for_aws_use_the_users_credentials_and_no_emulator(tmp_path: Path, target: str):
    (tmp_path / "show.mk").write_text(f"{target}: show\nshow:\n\t+@env\n")
    users = {"AWS_PROFILE": "prod", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_ENDPOINT_URL": "http://x"}

    printed = make("-f", str(tmp_path / "show.mk"), "-n", target, *OLD, **users)

    assert {"AWS_PROFILE=prod", "AWS_ACCESS_KEY_ID=AKIA"} <= set(printed.splitlines())
    assert "AWS_ENDPOINT_URL" not in printed


@pytest.mark.parametrize("target", ["deploy", "destroy"])
def test_a_target_for_aws_cannot_be_combined_with_another(target: str):
    with pytest.raises(subprocess.CalledProcessError) as refused:
        make("-n", target, "test")
    assert f"{target} must be the only target" in refused.value.stderr


@pytest.mark.parametrize("target", ["deploy", "destroy"])
def test_a_target_for_aws_requires_a_stage(target: str):
    with pytest.raises(subprocess.CalledProcessError) as refused:
        make(target, *OLD, STAGE="")
    assert "error: which stage?" in refused.value.stderr


def test_make_deploy_passes_its_variables_as_options():
    printed = make("-n", *OLD, "deploy", "STAGE=prod", "REGION=eu-west-1", "YES=1")
    assert '-m infra deploy --stage "$STAGE" --region "$REGION"   --yes' in printed


def test_make_upload_passes_a_file_name_unchanged(tmp_path: Path):
    printed = make("-n", "-o", ".venv/uv.lock.sha256", "upload", "FILE=a b'c.jpg")

    assert '"$FILE"' in printed
    assert "a b'c" not in printed


@pytest.mark.parametrize("command", ["up", "down", "demo", "follow", "upload", "status"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])

    assert command in capsys.readouterr().out


def test_the_demo_refuses_a_missing_photo_before_it_starts_anything(capsys):
    assert main(["demo", "no-such-photo.jpg"]) == 1
    assert capsys.readouterr().err == "error: there is no file no-such-photo.jpg\n"


@pytest.mark.parametrize("port", ["99", "65535", "http", "-4566"])
def test_an_invalid_port_is_a_usage_error(port, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["up", f"--port={port}"])

    assert "is not a number from 1024 to 65534" in capsys.readouterr().err


def test_follow_without_an_emulator_names_the_command_that_starts_one(capsys):
    assert main(["follow", "--endpoint-url", "http://localhost:1"]) == 1
    assert "make local-up" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_command_in_the_background_of_a_script_stops_on_sigint_and_sigterm(stop: signal.Signals):
    """A shell starts such a job with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(InfraError, match="interrupted"), local._stoppable("interrupted"):
            signal.raise_signal(stop)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
