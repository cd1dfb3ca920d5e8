"""What was released is still read, and still reads what is said now.

docs/schemas/released holds the schemas as the last release had them; a release replaces them.
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
def test_a_released_type_is_still_said_in_a_way_that_its_readers_know(
    path: Path, now: dict[str, str]
) -> None:
    assert path.name in now, f"{path.stem} was released: whoever answers it would hear nothing"
    assert breaks(json.loads(path.read_text("utf-8")), json.loads(now[path.name])) == []


def test_there_is_a_release_to_compare_with() -> None:
    assert RELEASED


def changed(**change: Any) -> dict[str, Any]:
    return {**OLD, **change}


@pytest.mark.parametrize(
    ("new", "told"),
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
def test_what_breaks_a_reader_is_named_with_its_place(new: dict[str, Any], told: str) -> None:
    assert breaks(OLD, new) == [told]


def test_an_optional_field_and_other_words_break_nothing() -> None:
    more = {**OLD["properties"], "c": {"type": "integer"}}
    assert breaks(OLD, changed(properties=more, description="other")) == []
