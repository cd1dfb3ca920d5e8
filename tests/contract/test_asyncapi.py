"""The AsyncAPI document is one, is up to date, and says what the services' own files say."""

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


def references(found: Any) -> list[str]:
    """Every reference there is, at any depth."""
    if isinstance(found, list):
        return [each for part in found for each in references(part)]
    if not isinstance(found, dict):
        return []
    own = [found["$ref"]] if isinstance(found.get("$ref"), str) else []
    return own + [each for part in found.values() for each in references(part)]


def test_the_document_and_its_page_are_up_to_date() -> None:
    assert main(["asyncapi", "--check"]) == 0


def test_the_document_is_what_asyncapi_says_a_document_is(document: dict[str, Any]) -> None:
    assert [error.message for error in Draft7Validator(SPECIFICATION).iter_errors(document)] == []


def test_a_document_that_is_none_would_be_noticed(document: dict[str, Any]) -> None:
    broken = document | {"channels": {"events": {"address": 1}}}
    assert list(Draft7Validator(SPECIFICATION).iter_errors(broken))


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = references(document)
    assert found
    for each in found:
        place: Any = document
        for step in each.removeprefix("#/").split("/"):
            place = place[step]


@pytest.mark.parametrize("service", definitions(), ids=lambda service: service.name)
def test_each_service_answers_and_announces_what_its_own_file_says(
    document: dict[str, Any], service: Any
) -> None:
    for action, kinds in (("consumes", service.subscribes), ("publishes", service.publishes)):
        operation = document["operations"].get(f"{service.name}.{action}", {"messages": []})
        said = [each["$ref"].rpartition("/")[2] for each in operation["messages"]]
        assert said == list(kinds)


def test_the_check_names_what_is_out_of_date(tmp_path: Path) -> None:
    asyncapi.write(tmp_path)
    asyncapi.check(tmp_path)
    (tmp_path / "events.md").write_text("old")
    with pytest.raises(InfraError, match=r"say: events\.md; make schemas"):
        asyncapi.check(tmp_path)
