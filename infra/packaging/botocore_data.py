"""Trims botocore's data for a function: only the services it calls, without documentation.

botocore describes 400 services in 30 MB, and searches their list for each client. A function needs
about a fortieth of the file with their endpoints.
"""

import ast
import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from infra.errors import InfraError

UNTRIMMED = ("_retry.json", "partitions.json", "sdk-default-configuration.json")
MODEL = "service-2"
PARTS = (MODEL, "endpoint-rule-set-1", "paginators-1", "service-2.sdk-extras")
EXTRA_PAGINATORS = "paginators-1.sdk-extras"

TRACER = "xray"
"""The X-Ray SDK creates a client of this service when it is imported."""


def services_called(sources: Iterable[Path]) -> set[str]:
    """The AWS services that these sources create clients of, by botocore's names.

    InfraError for a client whose service is not a literal: its data would be missing.
    """
    return {TRACER}.union(*map(_called_in, sources))


def trimmed(data: Path, services: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the trimmed files of botocore's ``data`` folder.

    InfraError for a service that this botocore does not have.
    """
    prefixes = set()
    for service in sorted(services):
        folder = _latest(data, service)
        for part in (*PARTS, EXTRA_PAGINATORS):
            if (content := _read(folder / f"{part}.json")) is not None:
                yield f"{service}/{folder.name}/{part}.json", _compact(_undocumented(content))
        metadata = _read(folder / f"{MODEL}.json")["metadata"]
        prefixes |= {service, metadata["endpointPrefix"]}
    yield "endpoints.json", _compact(_endpoints(_read(data / "endpoints.json"), prefixes))
    for name in UNTRIMMED:
        yield name, _compact(_read(data / name))


def _called_in(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Call(func=ast.Name("client" | "_Lazy"), args=[ast.Constant(str(service)), *_]):
                yield service
            case ast.Call(func=ast.Name("client")):
                raise InfraError(f"{source}:{node.lineno}: client() needs the service as a literal")


def _latest(data: Path, service: str) -> Path:
    versions = sorted(path for path in (data / service).glob("*") if path.is_dir())
    if not versions:
        raise InfraError(f"botocore has no service called {service}")
    return versions[-1]  # versions are dates, and a client uses the latest


def _read(path: Path) -> Any:
    """The content of a JSON file, compressed or not; None if there is none."""
    compressed = path.with_name(f"{path.name}.gz")
    if compressed.exists():
        return json.loads(gzip.decompress(compressed.read_bytes()))
    return json.loads(path.read_bytes()) if path.exists() else None


def _undocumented(content: Any) -> Any:
    """Documentation is emptied and not removed: botocore reads the field in places."""
    match content:
        case dict():
            documented = isinstance(content.get("documentation"), str)
            emptied = {"documentation": ""} if documented else {}
            return {key: _undocumented(value) for key, value in content.items()} | emptied
        case list():
            return [_undocumented(value) for value in content]
    return content


def _endpoints(content: Any, prefixes: set[str]) -> Any:
    for partition in content["partitions"]:
        endpoints = partition["services"]
        partition["services"] = {
            name: endpoints[name] for name in sorted(prefixes & set(endpoints))
        }
    return content


def _compact(content: Any) -> bytes:
    """Uncompressed JSON: the zip is compressed, and botocore would inflate it at each start."""
    return json.dumps(content, separators=(",", ":")).encode()
