"""The JSON Schemas describe the golden files and are up to date."""

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
"""Cached: it takes a second."""


def schema_of(name: str) -> dict[str, Any]:
    """The schema of a golden file: of its type or document, without the name of the case."""
    texts = TEXTS()
    return json.loads(texts.get(f"{name}.json") or texts[f"{name.rpartition('.')[0]}.json"])


def test_the_schemas_in_the_docs_are_up_to_date() -> None:
    assert main(["schemas", "--check"]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_file_is_valid_against_its_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema_of(name))
    Draft202012Validator(schema_of(name)).validate(json.loads(golden(name)))


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_rejects_a_message_without_a_required_field(name: str) -> None:
    message = json.loads(golden(name))
    del message.get("data", message)["image"]
    with pytest.raises(ValidationError, match="'image' is a required property"):
        Draft202012Validator(schema_of(name)).validate(message)


def test_a_schema_accepts_only_its_own_type() -> None:
    other = json.loads(golden("image.resized.v1")) | {"type": "image.completed.v1"}
    with pytest.raises(ValidationError, match=r"'image\.resized\.v1' was expected"):
        Draft202012Validator(schema_of("image.resized.v1")).validate(other)


def test_a_schema_is_described_by_the_docstrings() -> None:
    schema = schema_of("image.resized.v1")
    fields = schema["$defs"]["ImageResized"]["properties"]
    assert schema["$id"] == "urn:darkroom:image.resized.v1"
    assert schema["description"] == "The original was read, and its renditions were created."
    assert schema["properties"]["causationid"]["description"].startswith("The id of the event")
    assert fields["analysis"]["description"] == "A JPEG within Rekognition's limits."


def test_the_check_names_missing_obsolete_and_changed_files(tmp_path: Path) -> None:
    schemas.write(tmp_path)
    (tmp_path / "image.completed.v1.json").unlink()
    (tmp_path / "image.old.v1.json").write_text("{}")
    (tmp_path / "step.failed.v1.json").write_text("{}")
    outdated = (
        r"image\.completed\.v1\.json, image\.old\.v1\.json, step\.failed\.v1\.json; run: make"
    )
    with pytest.raises(InfraError, match=outdated):
        schemas.check(tmp_path)


def test_writing_the_schemas_deletes_obsolete_files(tmp_path: Path) -> None:
    (tmp_path / "image.old.v1.json").write_text("{}")
    schemas.write(tmp_path)
    schemas.check(tmp_path)
