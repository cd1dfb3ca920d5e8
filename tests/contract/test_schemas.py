"""The JSON Schemas say what the golden files say, and are up to date."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from infra.cli.main import main
from infra.errors import InfraError
from infra.reference_docs import schemas
from tests.contract.samples import GOLDEN, golden

NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))


TEXTS = functools.cache(schemas.schema_texts)
"""Made once: it takes a second."""


def schema_of(name: str) -> dict[str, Any]:
    """Of the type or document; a golden file may be named for a case of it."""
    texts = TEXTS()
    return json.loads(texts.get(f"{name}.json") or texts[f"{name.rpartition('.')[0]}.json"])


def test_the_schemas_in_the_docs_are_up_to_date() -> None:
    assert main(["schemas", "--check"]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_file_is_what_its_schema_describes(name: str) -> None:
    Draft202012Validator.check_schema(schema_of(name))
    Draft202012Validator(schema_of(name)).validate(json.loads(golden(name)))


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_refuses_a_message_that_lacks_what_is_required(name: str) -> None:
    message = json.loads(golden(name))
    del message.get("data", message)["image"]
    with pytest.raises(ValidationError, match="'image' is a required property"):
        Draft202012Validator(schema_of(name)).validate(message)


def test_a_schema_takes_only_its_own_type() -> None:
    other = json.loads(golden("image.resized.v1")) | {"type": "image.completed.v1"}
    with pytest.raises(ValidationError, match=r"'image\.resized\.v1' was expected"):
        Draft202012Validator(schema_of("image.resized.v1")).validate(other)


def test_a_schema_says_what_the_docstrings_say() -> None:
    schema = schema_of("image.resized.v1")
    fields = schema["$defs"]["ImageResized"]["properties"]
    assert schema["$id"] == "urn:darkroom:image.resized.v1"
    assert schema["description"] == "The original was read and its renditions were made."
    assert schema["properties"]["causationid"]["description"].startswith("The id of the event")
    assert fields["analysis"]["description"] == "The one JPEG within Rekognition's limits."


def test_the_check_names_what_is_missing_left_over_or_changed(tmp_path: Path) -> None:
    schemas.write(tmp_path)
    (tmp_path / "image.completed.v1.json").unlink()
    (tmp_path / "image.old.v1.json").write_text("{}")
    (tmp_path / "step.failed.v1.json").write_text("{}")
    named = r"image\.completed\.v1\.json, image\.old\.v1\.json, step\.failed\.v1\.json; run: make schemas"
    with pytest.raises(InfraError, match=named):
        schemas.check(tmp_path)


def test_writing_the_schemas_leaves_no_other_behind(tmp_path: Path) -> None:
    (tmp_path / "image.old.v1.json").write_text("{}")
    schemas.write(tmp_path)
    schemas.check(tmp_path)
