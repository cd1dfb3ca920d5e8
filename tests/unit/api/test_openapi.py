"""The OpenAPI document is complete and camelCase, and docs/openapi.json is current.

After an intended change, run `.venv/bin/python -m tests.unit.api.test_openapi`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.api.conftest import Api

DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi.json"
CAMEL_CASE = re.compile(r"[a-z][a-zA-Z0-9]*")


def current() -> str:
    return json.dumps(Api().http.openapi(), indent=2, sort_keys=True) + "\n"


def test_the_copy_in_docs_is_current() -> None:
    assert DOCUMENT.read_text() == current()


def test_the_document_is_served(api: Api) -> None:
    assert api.request("GET", "/openapi.json") == (200, json.loads(current()))


def test_every_error_response_is_a_problem_document() -> None:
    for path in json.loads(current())["paths"].values():
        for operation in path.values():
            failures = {status for status in operation["responses"] if status >= "4"}
            assert {"400", "500", "503"} <= failures
            for status in failures:
                assert list(operation["responses"][status]["content"]) == [
                    "application/problem+json"
                ]


def test_every_schema_is_defined_and_used() -> None:
    named = set(re.findall(r"#/components/schemas/(\w+)", current()))
    assert named == set(json.loads(current())["components"]["schemas"])


def test_every_property_and_parameter_is_camel_case() -> None:
    names = list(_names(json.loads(current())))
    assert {"fileName", "gpsRemoved", "minConfidence", "requestId", "waitedMs"} <= set(names)
    assert [name for name in names if not CAMEL_CASE.fullmatch(name)] == []


def test_the_walk_finds_names_at_every_depth() -> None:
    nested = {"anyOf": [{"type": "array", "items": {"properties": {"waited_ms": {}}}}]}
    parameters = [{"name": "min_confidence", "in": "query"}]
    names = set(_names({"schema": nested, "parameters": parameters}))
    assert names == {"waited_ms", "min_confidence"}


def _names(node: Any) -> Iterator[str]:
    """The names of all properties and parameters at or below a node of the document."""
    if isinstance(node, dict):
        yield from node.get("properties", {})
        yield from (parameter["name"] for parameter in node.get("parameters", []))
        for child in node.values():
            yield from _names(child)
    if isinstance(node, list):
        for child in node:
            yield from _names(child)


@pytest.mark.parametrize("route", ["/upload-url", "/results", "/results/{image}/similar"])
def test_the_document_has_the_route(route: str) -> None:
    assert route in json.loads(current())["paths"]


if __name__ == "__main__":
    DOCUMENT.write_text(current())
