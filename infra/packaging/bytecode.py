"""Bytecode for the functions' zips: Lambda can keep none, and would compile all at each start."""

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
"""Where Lambda unpacks a zip. Bytecode that names its source there is taken as it is; anywhere else
the names are set right as it is loaded.
"""

_WHO = (
    "import sys; print('%d.%d' % sys.version_info[:2], sys.implementation.name,"
    "sys.version_info.releaselevel, '%d.%d.%d' % sys.version_info[:3])"
)


@dataclass(frozen=True)
class Compiler:
    """An interpreter whose bytecode the functions' runtime takes."""

    interpreter: Path
    version: str  # such as 3.13.0; another one may make other bytes of the same source

    def compile(self, folder: Path) -> None:
        """Compile all below the folder, into the __pycache__ folders beside the sources.

        The same sources give the same bytes. They are loaded without a look at their source, whose
        time and size the unpacking may change. InfraError for what does not compile.
        """
        command = [str(self.interpreter), "-S", "-m", "compileall", "-q", "-f", "-s", str(folder)]
        command += ["-p", TASK, "--invalidation-mode", "unchecked-hash", str(folder)]
        environment = {"PATH": os.defpath, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise InfraError(f"cannot be compiled: {(done.stdout + done.stderr).strip()}")


def compiler(python: str, interpreter: Path | None = None) -> Compiler | None:
    """What compiles for this version of Python (such as 3.13): the interpreter that is given, or
    one of this machine; None where it has none.
    """
    found = [interpreter] if interpreter else _candidates(python)
    return next(filter(None, (_of_version(path, python) for path in found)), None)


def _candidates(python: str) -> Iterator[Path]:
    """Interpreters of that version, most likely: the running one, then by their usual places."""
    yield Path(sys.executable)
    if on_path := shutil.which(f"python{python}"):
        yield Path(on_path)
    yield from sorted(Path.home().glob(f".pyenv/versions/{python}.*/bin/python"))
    yield from sorted(Path.home().glob(f".local/share/uv/python/cpython-{python}.*/bin/python3"))


@cache
def _of_version(interpreter: Path, python: str) -> Compiler | None:
    asked = [str(interpreter), "-I", "-S", "-c", _WHO]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    *who, version = answer.stdout.split() or [""]
    # Bytecode is the same for all of 3.13, but not before its release, and not for PyPy.
    return Compiler(interpreter, version) if who == [python, "cpython", "final"] else None
