"""sharp, the peer: fetched by npm, once, in the release that stands here."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from infra.deploy import page
from infra.errors import InfraError
from infra.paths import ENVIRONMENTS

VERSION = "0.35.5"
"""It brings libvips 8.18.7, and mozjpeg, which decodes as libjpeg-turbo does."""

SCRIPT = Path(__file__).parent / "engines" / "sharp.mjs"


def command(way: str, say: Callable[[str], None]) -> tuple[str, ...]:
    """How sharp is started as an engine, ``each`` or ``cascade``. InfraError without npm."""
    home = ENVIRONMENTS / f"sharp-{VERSION}"
    found = page._node(say)
    if not (home / "node_modules" / "sharp" / "package.json").exists():
        say(f"fetching sharp {VERSION} (npm, 20 MB)")
        _install(home, found.npm, found.program)
    return str(found.program), str(SCRIPT), str(home), way


def _install(home: Path, npm: tuple[str, ...], program: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    path = f"{program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(
        (*npm, "install", "--prefix", str(home), "--no-audit", "--no-fund", f"sharp@{VERSION}"),
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InfraError(f"npm could not fetch sharp: {done.stderr.strip()[-500:]}")
