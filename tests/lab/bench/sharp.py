"""Install sharp, the peer, with npm; once for each version."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from infra.deploy import page
from infra.errors import InfraError
from infra.paths import ENVIRONMENTS

VERSION = "0.35.5"
"""It includes libvips 8.18.7 and mozjpeg, which decodes as libjpeg-turbo does."""

SCRIPT = Path(__file__).parent / "engines" / "sharp.mjs"


def command(way: str, say: Callable[[str], None]) -> tuple[str, ...]:
    """The command of sharp as an engine, ``each`` or ``cascade``. InfraError without npm."""
    home = ENVIRONMENTS / f"sharp-{VERSION}"
    node = page._node(say)
    if not (home / "node_modules" / "sharp" / "package.json").exists():
        say(f"fetching sharp {VERSION} (npm, 20 MB)")
        _install(home, node.npm, node.program)
    return str(node.program), str(SCRIPT), str(home), way


def _install(home: Path, npm: tuple[str, ...], program: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    path = f"{program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    process = subprocess.run(
        (*npm, "install", "--prefix", str(home), "--no-audit", "--no-fund", f"sharp@{VERSION}"),
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise InfraError(f"npm could not fetch sharp: {process.stderr.strip()[-500:]}")
