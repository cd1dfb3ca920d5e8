"""The functions' zips: the service's code, `shared`, and its pinned libraries."""

import hashlib
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infra.config.definitions import Definition
from infra.config.stages import Stage
from infra.environments import install, requirements
from infra.errors import InfraError
from infra.file_lock import exclusive_lock
from infra.packaging import botocore_data, bytecode
from infra.packaging.bytecode import Compiler
from infra.terminal import Say

# Increase it when the packaging changes: then older zips are rebuilt.
FORMAT = "3"

# The earliest date that a zip can store: the build time must not change its bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE = 0o100644 << 16  # a regular file, readable by all

# The runtimes of Python 3.12 and later have glibc 2.34; wheels for 2.28 and older run there.
GLIBC = "manylinux_2_28"

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}

# Installation metadata that uv writes; it differs between machines.
NOT_SHIPPED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock"}

# Lambda's limits in bytes: of a zip in a direct upload, and of its contents. From S3 it accepts
# larger zips, but such a function would start too slowly.
LARGEST_ZIP = 50_000_000
LARGEST_UNZIPPED = 250_000_000

# The module that Lambda imports. Garbage collection during the import takes a tenth of the start
# and finds nothing. gc.freeze() excludes the imported objects from later collections, too.
START = "start"
START_SOURCE = """\
# What Lambda imports; made by infra/packaging/package.py.
import gc

gc.disable()
from services.{name}.handler import handle

gc.freeze()
gc.enable()
"""
HANDLER = f"{START}.handle"

DATA = Path("botocore", "data")

# Colour profiles, which `resize` has.
PROFILES = "*.icc"


def _silent(_: str) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class Target:
    """The platform of a zip: a Python version, an architecture, and this machine or Linux."""

    python: str  # such as 3.13
    architecture: str  # as Lambda calls it: x86_64 or arm64
    interpreter: Path | None = None  # of this machine; None: Lambda's Linux
    uniform: bool = True  # False: a service that sets its own architecture gets that

    @classmethod
    def here(cls, interpreter: Path | None = None) -> "Target":
        """An interpreter of this machine (default: the running one), for an emulator on it."""
        if interpreter is None:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            return cls(version, _architecture(), Path(sys.executable))
        command = [str(interpreter), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise InfraError(f"{interpreter} is not a Python interpreter") from error
        return cls(result.stdout.strip(), _architecture(), interpreter)

    @classmethod
    def linux(cls, architecture: str, python: str = "3.13") -> "Target":
        """Lambda's Linux, on AWS or in a container; `architecture` such as arm64 or aarch64."""
        return cls(python, _architecture(architecture))

    @classmethod
    def aws(cls, stage: Stage, python: str = "3.13") -> "Target":
        """Lambda on AWS: the service's architecture, or else the stage's."""
        return cls(python, stage.architecture, uniform=False)

    def of(self, definition: Definition) -> "Target":
        """The target of one service's zip."""
        if self.uniform:
            return self
        architecture = definition.function.runs_on(self.architecture)
        return replace(self, architecture=architecture, uniform=True)

    @property
    def runtime(self) -> str:
        """Lambda's name for the Python version."""
        return f"python{self.python}"

    @property
    def name(self) -> str:
        """A short name for messages and file names."""
        system = "linux" if self.interpreter is None else f"here-{platform.system().lower()}"
        return f"{self.runtime}-{system}-{self.architecture}"

    def install_options(self) -> tuple[str, ...]:
        """The options of ``uv pip install`` that select this target's wheels."""
        if self.interpreter is not None:
            return ("--python", str(self.interpreter))
        platform = f"{MACHINES[self.architecture]}-{GLIBC}"
        return ("--python-version", self.python, "--python-platform", platform)


@dataclass(frozen=True)
class Zip:
    """A function's package."""

    path: Path
    sha256: str

    @property
    def size(self) -> "Size":
        return Size.of(self.path)


@dataclass(frozen=True)
class Size:
    """Bytes of a zip, and of its contents."""

    zipped: int
    unzipped: int

    @classmethod
    def of(cls, path: Path) -> "Size":
        with zipfile.ZipFile(path) as archive:
            unzipped = sum(entry.file_size for entry in archive.infolist())
        return cls(path.stat().st_size, unzipped)

    @property
    def allowed(self) -> bool:
        """Whether Lambda accepts it."""
        return self.zipped <= LARGEST_ZIP and self.unzipped <= LARGEST_UNZIPPED

    def __str__(self) -> str:
        return f"{self.zipped / 1e6:.1f} MB, {self.unzipped / 1e6:.1f} MB unzipped"


def package(definition: Definition, target: Target, say: Say = _silent) -> Zip:
    """Build a service's zip for `target`, or reuse the zip that was built from the same inputs.

    Zips are in .darkroom/ in the checkout, and the same inputs give the same bytes. If this machine
    has an interpreter of the target's version, the zip contains bytecode. Otherwise the function
    compiles at each start, which doubles the time of a start. A concurrent build waits for this one
    and reuses its zip. InfraError if a library has no wheel for the target, the package registry is
    unreachable, or the zip is too large for Lambda.
    """
    target = target.of(definition)
    sources = dict(_sources(definition))
    compiler = bytecode.compiler(target.python, target.interpreter)
    inputs = _digest(target, definition, sources, compiler)
    home = definition.root / ".darkroom"
    path = home / "packages" / f"{definition.name}-{target.name}-{inputs[:16]}.zip"
    with exclusive_lock(path.parent):
        if not path.exists():
            say(f"building {definition.name} for {target.name}")
            if compiler is None:
                say(f"no Python {target.python} here: {definition.name} will compile at each start")
            libraries = _libraries(definition, target, compiler, home)
            code = _own_code(definition, sources, compiler)
            data = _data(libraries, (p for p in sources.values() if p.suffix == ".py"))
            _write(path, dict(_shipped(libraries)) | code | data)
            _delete_older(path, f"{definition.name}-{target.name}-*.zip")
            say(f"built {definition.name}: {Size.of(path)}")
        return Zip(path, hashlib.sha256(path.read_bytes()).hexdigest())


def _architecture(machine: str | None = None) -> str:
    name = (machine or platform.machine()).lower()
    if name not in ARCHITECTURES:
        raise InfraError(f"Lambda runs on x86_64 and arm64, not on {name}")
    return ARCHITECTURES[name]


def _sources(definition: Definition) -> Iterator[tuple[str, Path]]:
    """The project's files in the zip: `shared` and this service."""
    root = definition.root
    yield "services/__init__.py", definition.folder.parent / "__init__.py"
    for folder in (root / "shared", definition.folder):
        for path in (*folder.rglob("*.py"), *folder.rglob(PROFILES)):
            yield path.relative_to(root).as_posix(), path


def _requirements(definition: Definition) -> str:
    """The libraries that a service requires, pinned with hashes."""
    try:
        return requirements(definition.requires, definition.root)
    except InfraError as error:
        raise InfraError(f"{definition.folder / 'service.toml'}: requires: {error}") from error


def _digest(
    target: Target, definition: Definition, sources: dict[str, Path], compiler: Compiler | None
) -> str:
    """A digest of all inputs of a zip."""
    digest = hashlib.sha256(f"{FORMAT} {target.name} {compiler and compiler.version}".encode())
    digest.update(_requirements(definition).encode())
    for name, path in sorted(sources.items()):
        digest.update(f"\0{name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _own_code(
    definition: Definition, sources: Mapping[str, Path], compiler: Compiler | None
) -> dict[str, bytes]:
    """The project's files and the start module, with their bytecode."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, source in sources.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(source.read_bytes())
        (root / f"{START}.py").write_text(START_SOURCE.format(name=definition.name))
        if compiler:
            compiler.compile(root)
        return {name: path.read_bytes() for name, path in _files(root)}


def _data(libraries: Path, sources: Iterable[Path]) -> dict[str, bytes]:
    """The trimmed data of botocore for these sources; empty without botocore."""
    if not (libraries / DATA).exists():
        return {}
    trimmed = botocore_data.trimmed(libraries / DATA, botocore_data.services_called(sources))
    return {(DATA / name).as_posix(): content for name, content in trimmed}


def _libraries(
    definition: Definition, target: Target, compiler: Compiler | None, home: Path
) -> Path:
    """The folder of installed libraries, shared by services with the same requirements."""
    pinned = _requirements(definition)
    digest = hashlib.sha256(f"{FORMAT} {target.name} {compiler and compiler.version}".encode())
    digest.update(pinned.encode())
    folder = home / "libraries" / f"{target.name}-{digest.hexdigest()[:16]}"
    if not folder.exists():
        _install(pinned, target, compiler, folder)
    return folder


def _install(pinned: str, target: Target, compiler: Compiler | None, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Installed beside the folder and then renamed, so that an interrupted install is never used.
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        libraries = Path(temporary) / "libraries"
        libraries.mkdir()
        options = ("--only-binary", ":all:", "--target", str(libraries))
        try:
            install(pinned, *target.install_options(), *options)
        except InfraError as error:
            raise InfraError(f"cannot install libraries for {target.name}: {error}") from error
        if compiler:
            compiler.compile(libraries)
        libraries.rename(folder)


def _shipped(libraries: Path) -> Iterator[tuple[str, Path]]:
    for name, path in _files(libraries):
        left_out = path.is_relative_to(libraries / "bin") or path.is_relative_to(libraries / DATA)
        if not left_out and path.name not in NOT_SHIPPED:
            yield name, path


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _write(path: Path, files: Mapping[str, Path | bytes]) -> None:
    """Write a zip whose bytes depend only on names and contents.

    InfraError if it is too large for Lambda.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = READABLE
            entry.create_system = 3  # Unix, on every system
            content = source if isinstance(source, bytes) else source.read_bytes()
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    if not (size := Size.of(unfinished)).allowed:
        unfinished.unlink()
        raise InfraError(f"{path.name} is too large for Lambda: {size}")
    unfinished.replace(path)


def _delete_older(path: Path, pattern: str) -> None:
    for other in path.parent.glob(pattern):
        if other != path:
            other.unlink(missing_ok=True)
