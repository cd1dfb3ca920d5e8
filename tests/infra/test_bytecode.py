"""The interpreters whose bytecode a runtime accepts."""

import platform
import sys
from pathlib import Path

import pytest

from infra.packaging.bytecode import compiler

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def program(path: Path, output: str) -> Path:
    path.write_text(f"#!/bin/sh\necho {output}\n")
    path.chmod(0o755)
    return path


def test_the_running_interpreter_compiles_for_its_own_version() -> None:
    result = compiler(HERE)
    assert result
    assert result.version == platform.python_version()


def test_a_given_interpreter_is_used() -> None:
    result = compiler(HERE, Path(sys.executable))
    assert result
    assert result.interpreter == Path(sys.executable)


@pytest.mark.parametrize(
    "output",
    ["3.13 cpython candidate 3.13.0", "3.13 pypy final 3.13.0", "3.12 cpython final 3.12.1", ""],
)
def test_an_interpreter_with_other_bytecode_is_refused(tmp_path: Path, output: str) -> None:
    assert compiler("3.13", program(tmp_path / "python", output)) is None


def test_a_missing_interpreter_is_refused(tmp_path: Path) -> None:
    assert compiler("3.13", tmp_path / "python") is None


def test_a_version_that_is_not_installed_has_no_compiler() -> None:
    assert compiler("3.99") is None
