"""Bytecode for the zips: Lambda cannot store any, and would compile all modules at each start."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.errors import InfraError

TASK = "/var/task"
"""The folder to which Lambda unpacks a zip. Bytecode with source names in another folder is
corrected each time that a module is loaded.
"""

_PRINT_VERSION = (
    "import sys; print('%d.%d' % sys.version_info[:2], sys.implementation.name,"
    "sys.version_info.releaselevel, '%d.%d.%d' % sys.version_info[:3])"
)


@dataclass(frozen=True)
class Compiler:
    """An interpreter whose bytecode the functions' runtime accepts."""

    interpreter: Path
    version: str  # such as 3.13.0; another version may compile the same source to other bytes

    def compile(self, folder: Path) -> None:
        """Compile everything below the folder into __pycache__ folders.

        The same sources give the same bytes. Python does not compare the bytecode with the sources:
        unpacking may change their times. InfraError if a file does not compile.
        """
        command = [str(self.interpreter), "-S", "-m", "compileall", "-q", "-f", "-s", str(folder)]
        command += ["-p", TASK, "--invalidation-mode", "unchecked-hash", str(folder)]
        environment = {"PATH": os.defpath, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise InfraError(f"cannot be compiled: {(done.stdout + done.stderr).strip()}")


def compiler(python: str, interpreter: Path | None = None) -> Compiler | None:
    """A compiler for this version of Python (such as 3.13): `interpreter`, or one of this machine.

    None if this machine has no such interpreter.
    """
    interpreters = [interpreter] if interpreter else _candidates(python)
    return next(filter(None, (_of_version(path, python) for path in interpreters)), None)


def _candidates(python: str) -> Iterator[Path]:
    """Possible interpreters of that version: the running one, on PATH, of pyenv and of uv."""
    yield Path(sys.executable)
    if on_path := shutil.which(f"python{python}"):
        yield Path(on_path)
    yield from sorted(Path.home().glob(f".pyenv/versions/{python}.*/bin/python"))
    yield from sorted(Path.home().glob(f".local/share/uv/python/cpython-{python}.*/bin/python3"))


@cache
def _of_version(interpreter: Path, python: str) -> Compiler | None:
    command = [str(interpreter), "-I", "-S", "-c", _PRINT_VERSION]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    *identity, version = result.stdout.split() or [""]
    # All releases of 3.13 share a bytecode format; pre-releases and PyPy differ.
    return Compiler(interpreter, version) if identity == [python, "cpython", "final"] else None
