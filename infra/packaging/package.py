"""The functions' zips: the service's own code, `shared`, and the libraries it requires, pinned."""

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

# Changed when the way of packing changes, so that older zips are not taken for new ones.
FORMAT = "3"

# The earliest date a zip can hold: the time of a build must not change its bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE = 0o100644 << 16  # a regular file that everyone may read

# The runtimes of Python 3.12 and later have glibc 2.34; wheels for 2.28 and older run there.
GLIBC = "manylinux_2_28"

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}

# What uv writes about how, where and by whom a wheel was installed; it differs between machines.
NOT_SHIPPED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock"}

# Lambda's limits: of a zip that is sent to it in the call, and of what is in it. From S3 it takes
# larger zips, but a function that needs that starts too slowly.
LARGEST_ZIP = 50_000_000
LARGEST_UNZIPPED = 250_000_000

# The module that Lambda imports. What a start makes, it keeps: looking for garbage meanwhile finds
# none, again and again, and is a tenth of the start. Frozen, it is not looked through later either.
START = "start"
STARTING = """\
# What Lambda imports; made by infra/packaging/package.py.
import gc

gc.disable()
from services.{name}.handler import handle

gc.freeze()
gc.enable()
"""
HANDLER = f"{START}.handle"

DATA = Path("botocore", "data")


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Target:
    """What a zip is built for: a Python version, an architecture, and this machine or Linux."""

    python: str  # such as 3.13
    architecture: str  # in Lambda's words: x86_64 or arm64
    interpreter: Path | None = None  # that of this machine; None is Lambda's Linux
    everyones: bool = True  # else a service that names its own architecture gets that

    @classmethod
    def here(cls, interpreter: Path | None = None) -> "Target":
        """An interpreter of this machine, by default the running one: that of an emulator here."""
        if interpreter is None:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            return cls(version, _architecture(), Path(sys.executable))
        asked = [str(interpreter), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            answer = subprocess.run(asked, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise InfraError(f"{interpreter} is no Python interpreter") from error
        return cls(answer.stdout.strip(), _architecture(), interpreter)

    @classmethod
    def linux(cls, architecture: str, python: str = "3.13") -> "Target":
        """Lambda's own Linux, on AWS or in a container; `architecture` in anyone's words."""
        return cls(python, _architecture(architecture))

    @classmethod
    def aws(cls, stage: Stage, python: str = "3.13") -> "Target":
        """Lambda on AWS: the architecture that a service names, or else the stage's."""
        return cls(python, stage.architecture, everyones=False)

    def of(self, definition: Definition) -> "Target":
        """The target of one service's zip."""
        if self.everyones:
            return self
        own = definition.function.runs_on(self.architecture)
        return replace(self, architecture=own, everyones=True)

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
    """Bytes of a zip, and of what is in it."""

    zipped: int
    unzipped: int

    @classmethod
    def of(cls, path: Path) -> "Size":
        with zipfile.ZipFile(path) as archive:
            unzipped = sum(entry.file_size for entry in archive.infolist())
        return cls(path.stat().st_size, unzipped)

    @property
    def allowed(self) -> bool:
        """Whether Lambda takes it."""
        return self.zipped <= LARGEST_ZIP and self.unzipped <= LARGEST_UNZIPPED

    def __str__(self) -> str:
        return f"{self.zipped / 1e6:.1f} MB, {self.unzipped / 1e6:.1f} MB unzipped"


def package(definition: Definition, target: Target, say: Say = _silent) -> Zip:
    """Build a service's zip for `target`, or take the one that was built of the same inputs.

    It stands below .darkroom/ in the checkout, and the same inputs give the same bytes. Where this
    machine has an interpreter of the target's version, all in it is compiled; where it has none,
    the function compiles at each start, and takes twice as long for it. A second process that wants
    it meanwhile waits, and finds it built. InfraError when a library has no wheel for the target,
    the package registry is out of reach, or Lambda takes no such zip.
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
            own = _own(definition, sources, compiler)
            data = _data(libraries, sources.values())
            _write(path, dict(_shipped(libraries)) | own | data)
            _forget_older(path, f"{definition.name}-{target.name}-*.zip")
            say(f"built {definition.name}: {Size.of(path)}")
        return Zip(path, hashlib.sha256(path.read_bytes()).hexdigest())


def _architecture(machine: str | None = None) -> str:
    name = (machine or platform.machine()).lower()
    if name not in ARCHITECTURES:
        raise InfraError(f"Lambda runs on x86_64 and arm64, not on {name}")
    return ARCHITECTURES[name]


def _sources(definition: Definition) -> Iterator[tuple[str, Path]]:
    """The project's own files in the zip: all of `shared`, and this service alone."""
    root = definition.root
    yield "services/__init__.py", definition.folder.parent / "__init__.py"
    for folder in (root / "shared", definition.folder):
        for path in folder.rglob("*.py"):
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
    """A digest of all that a zip is made of."""
    digest = hashlib.sha256(f"{FORMAT} {target.name} {compiler and compiler.version}".encode())
    digest.update(_requirements(definition).encode())
    for name, path in sorted(sources.items()):
        digest.update(f"\0{name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _own(
    definition: Definition, sources: Mapping[str, Path], compiler: Compiler | None
) -> dict[str, bytes]:
    """The project's own files and what starts them, with their bytecode."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        for name, source in sources.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_bytes(source.read_bytes())
        (made / f"{START}.py").write_text(STARTING.format(name=definition.name))
        if compiler:
            compiler.compile(made)
        return {name: path.read_bytes() for name, path in _files(made)}


def _data(libraries: Path, sources: Iterable[Path]) -> dict[str, bytes]:
    """What botocore is to know of the services that these sources call; nothing without it."""
    if not (libraries / DATA).exists():
        return {}
    found = botocore_data.trimmed(libraries / DATA, botocore_data.services_called(sources))
    return {(DATA / name).as_posix(): content for name, content in found}


def _libraries(
    definition: Definition, target: Target, compiler: Compiler | None, home: Path
) -> Path:
    """The folder of installed libraries, shared by services that require the same for a target."""
    pinned = _requirements(definition)
    digest = hashlib.sha256(f"{FORMAT} {target.name} {compiler and compiler.version}".encode())
    digest.update(pinned.encode())
    folder = home / "libraries" / f"{target.name}-{digest.hexdigest()[:16]}"
    if not folder.exists():
        _install(pinned, target, compiler, folder)
    return folder


def _install(pinned: str, target: Target, compiler: Compiler | None, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place and moved there when complete: an interrupted install is never taken for one.
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        made = Path(unfinished) / "libraries"
        made.mkdir()
        options = ("--only-binary", ":all:", "--target", str(made))
        try:
            install(pinned, *target.install_options(), *options)
        except InfraError as error:
            raise InfraError(f"cannot install libraries for {target.name}: {error}") from error
        if compiler:
            compiler.compile(made)
        made.rename(folder)


def _shipped(libraries: Path) -> Iterator[tuple[str, Path]]:
    for name, path in _files(libraries):
        aside = path.is_relative_to(libraries / "bin") or path.is_relative_to(libraries / DATA)
        if not aside and path.name not in NOT_SHIPPED:
            yield name, path


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _write(path: Path, files: Mapping[str, Path | bytes]) -> None:
    """Write a zip whose bytes depend on names and contents alone.

    InfraError if it is larger than Lambda takes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = READABLE
            entry.create_system = 3  # Unix, whatever system packs
            content = source if isinstance(source, bytes) else source.read_bytes()
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    if not (size := Size.of(unfinished)).allowed:
        unfinished.unlink()
        raise InfraError(f"{path.name} is too large for Lambda: {size}")
    unfinished.replace(path)


def _forget_older(path: Path, pattern: str) -> None:
    for other in path.parent.glob(pattern):
        if other != path:
            other.unlink(missing_ok=True)
