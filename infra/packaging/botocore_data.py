"""What a function carries of botocore's data: the services it calls, without their documentation.

botocore describes 400 services in 30 MB, and looks through the list of them for each client. Of
the one file that says where all of them listen it needs a fortieth.
"""

import ast
import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from infra.errors import InfraError

WHOLE = ("_retry.json", "partitions.json", "sdk-default-configuration.json")
MODEL = "service-2"
PARTS = (MODEL, "endpoint-rule-set-1", "paginators-1", "service-2.sdk-extras")
PAGES = "paginators-1.sdk-extras"

TRACER = "xray"
"""The X-Ray SDK makes a client of this when it is loaded."""


def services_called(sources: Iterable[Path]) -> set[str]:
    """The AWS services that these sources make clients of, by botocore's names.

    InfraError for a client whose service is not written out: its data would be missing.
    """
    return {TRACER}.union(*map(_called_in, sources))


def trimmed(data: Path, services: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files, out of botocore's own ``data`` folder.

    InfraError for a service that this botocore does not know.
    """
    listening = set()
    for service in sorted(services):
        folder = _latest(data, service)
        for part in (*PARTS, PAGES):
            if (content := _read(folder / f"{part}.json")) is not None:
                yield f"{service}/{folder.name}/{part}.json", _compact(_undocumented(content))
        metadata = _read(folder / f"{MODEL}.json")["metadata"]
        listening |= {service, metadata["endpointPrefix"]}
    yield "endpoints.json", _compact(_endpoints(_read(data / "endpoints.json"), listening))
    for name in WHOLE:
        yield name, _compact(_read(data / name))


def _called_in(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Call(func=ast.Name("client" | "_Lazy"), args=[ast.Constant(str(service)), *_]):
                yield service
            case ast.Call(func=ast.Name("client")):
                raise InfraError(f"{source}:{node.lineno}: client() wants its service written out")


def _latest(data: Path, service: str) -> Path:
    versions = sorted(path for path in (data / service).glob("*") if path.is_dir())
    if not versions:
        raise InfraError(f"botocore has no service called {service}")
    return versions[-1]  # which is what a client takes: versions are dates


def _read(path: Path) -> Any:
    """What a file says that may be compressed; None if there is none."""
    packed = path.with_name(f"{path.name}.gz")
    if packed.exists():
        return json.loads(gzip.decompress(packed.read_bytes()))
    return json.loads(path.read_bytes()) if path.exists() else None


def _undocumented(content: Any) -> Any:
    """Documentation is emptied, not left out: in places botocore asks for it by name."""
    match content:
        case dict():
            documented = isinstance(content.get("documentation"), str)
            silence = {"documentation": ""} if documented else {}
            return {key: _undocumented(value) for key, value in content.items()} | silence
        case list():
            return [_undocumented(value) for value in content]
    return content


def _endpoints(content: Any, listening: set[str]) -> Any:
    for partition in content["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in sorted(listening & set(known))}
    return content


def _compact(content: Any) -> bytes:
    """Not compressed, since the zip is: botocore would inflate it at each start."""
    return json.dumps(content, separators=(",", ":")).encode()
