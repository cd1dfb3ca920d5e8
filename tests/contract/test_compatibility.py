"""Today's schemas are compatible with the released ones.

docs/schemas/released holds the schemas of the last release; each release replaces them.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.reference_docs.compatibility import breaks
from infra.reference_docs.schemas import FOLDER, schema_texts

RELEASED = sorted((FOLDER / "released").glob("*.json"))
OLD: dict[str, Any] = {
    "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"type": "string"}},
    "required": ["a"],
    "$defs": {"A": {"enum": ["x", "y"]}},
}


@pytest.fixture(scope="module")
def now() -> dict[str, str]:
    """Today's schemas, as text, by file name."""
    return schema_texts()


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_a_released_type_still_exists_and_breaks_no_reader(path: Path, now: dict[str, str]) -> None:
    assert path.name in now, f"{path.stem} was released: its consumers would receive nothing"
    assert breaks(json.loads(path.read_text("utf-8")), json.loads(now[path.name])) == []


def test_released_schemas_exist() -> None:
    assert RELEASED


def changed(**change: Any) -> dict[str, Any]:
    return {**OLD, **change}


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (changed(properties={"a": {"$ref": "#/$defs/A"}}), ".b: is gone"),
        (changed(required=["a", "b"]), ".b: is required now"),
        (changed(required=[]), ".a: may be missing now"),
        (
            changed(properties={**OLD["properties"], "b": {"type": "integer"}}),
            ".b type: was 'string', is 'integer'",
        ),
        (
            changed(**{"$defs": {"A": {"enum": ["x"]}}}),
            ".a enum: was ['x', 'y'], is ['x']",
        ),
    ],
)
def test_a_breaking_change_is_reported_with_its_path(new: dict[str, Any], expected: str) -> None:
    assert breaks(OLD, new) == [expected]


def test_an_optional_field_or_another_description_breaks_nothing() -> None:
    more = {**OLD["properties"], "c": {"type": "integer"}}
    assert breaks(OLD, changed(properties=more, description="other")) == []
