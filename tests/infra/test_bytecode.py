"""Whose bytecode a runtime takes."""

import platform
import sys
from pathlib import Path

import pytest

from infra.packaging.bytecode import compiler

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def program(path: Path, says: str) -> Path:
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)
    return path


def test_the_running_interpreter_compiles_for_its_own_version() -> None:
    found = compiler(HERE)
    assert found
    assert found.version == platform.python_version()


def test_the_interpreter_that_is_given_is_taken() -> None:
    found = compiler(HERE, Path(sys.executable))
    assert found
    assert found.interpreter == Path(sys.executable)


@pytest.mark.parametrize(
    "says",
    ["3.13 cpython candidate 3.13.0", "3.13 pypy final 3.13.0", "3.12 cpython final 3.12.1", ""],
)
def test_what_makes_other_bytecode_is_not_taken(tmp_path: Path, says: str) -> None:
    assert compiler("3.13", program(tmp_path / "python", says)) is None


def test_what_is_there_no_more_is_not_taken(tmp_path: Path) -> None:
    assert compiler("3.13", tmp_path / "python") is None


def test_a_version_that_nobody_has_has_no_compiler() -> None:
    assert compiler("3.99") is None
