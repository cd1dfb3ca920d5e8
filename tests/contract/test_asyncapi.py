"""The AsyncAPI document is valid, up to date, and agrees with each ``service.toml``."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from infra.cli.main import main
from infra.config.definitions import definitions
from infra.errors import InfraError
from infra.reference_docs import asyncapi

# AsyncAPI's own JSON Schema of version 3.0.0, as npm's @asyncapi/specs 6.11.1 has it (Apache-2.0).
SPECIFICATION = json.loads(
    (Path(__file__).parent / "asyncapi-3.0.0.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi.document(definitions())


def references(value: Any) -> list[str]:
    """All references, at any depth."""
    if isinstance(value, list):
        return [reference for part in value for reference in references(part)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [reference for part in value.values() for reference in references(part)]


def test_the_document_and_its_page_are_up_to_date() -> None:
    assert main(["asyncapi", "--check"]) == 0


def test_the_document_is_valid_asyncapi(document: dict[str, Any]) -> None:
    assert [error.message for error in Draft7Validator(SPECIFICATION).iter_errors(document)] == []


def test_an_invalid_document_is_detected(document: dict[str, Any]) -> None:
    broken = document | {"channels": {"events": {"address": 1}}}
    assert list(Draft7Validator(SPECIFICATION).iter_errors(broken))


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    assert references(document)
    for reference in references(document):
        target: Any = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]


@pytest.mark.parametrize("service", definitions(), ids=lambda service: service.name)
def test_each_service_consumes_and_publishes_the_types_of_its_service_toml(
    document: dict[str, Any], service: Any
) -> None:
    for action, kinds in (("consumes", service.subscribes), ("publishes", service.publishes)):
        operation = document["operations"].get(f"{service.name}.{action}", {"messages": []})
        types = [message["$ref"].rpartition("/")[2] for message in operation["messages"]]
        assert types == list(kinds)


def test_the_check_names_what_is_out_of_date(tmp_path: Path) -> None:
    asyncapi.write(tmp_path)
    asyncapi.check(tmp_path)
    (tmp_path / "events.md").write_text("old")
    with pytest.raises(InfraError, match=r"out of date: events\.md; run: make schemas"):
        asyncapi.check(tmp_path)
