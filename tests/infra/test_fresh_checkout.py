"""A fresh checkout gets a working `.venv` from Python and make alone."""

import os
import subprocess
import sys

import pytest

from infra.environments import ROOT

pytestmark = pytest.mark.slow


def test_a_fresh_checkout_gets_a_working_environment(tmp_path):
    for name in ("Makefile", "pyproject.toml", "uv.lock", "infra"):
        (tmp_path / name).symlink_to(ROOT / name)
    # infra is copied: through a link, it would find the environment of this checkout
    (tmp_path / "infra").unlink()
    subprocess.run(["cp", "-R", ROOT / "infra", tmp_path / "infra"], check=True)
    make = ["make", "--no-print-directory", ".venv/uv.lock.sha256", f"PYTHON={sys.executable}"]
    variables = {name: value for name, value in os.environ.items() if "VIRTUAL_ENV" not in name}

    made = subprocess.run(
        make, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True, timeout=600
    )

    assert made.stdout.startswith("creating the virtual environment of Darkroom")
    program = "import boto3, pytest, onnxruntime, infra; print(infra.__file__)"
    checked = subprocess.run(
        [tmp_path / ".venv/bin/python", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert checked.stdout.strip() == str(tmp_path / "infra/__init__.py")
    again = subprocess.run(
        make, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True, timeout=600
    )
    assert "creating the" not in again.stdout
