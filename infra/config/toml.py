"""Strict reading of the project's TOML files into frozen dataclasses."""

import json
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from infra.errors import InfraError

T = TypeVar("T")

# Unknown fields are refused: a misspelt setting must not silently be the default. Types are not
# converted: "512" and true are not numbers.
STRICT = ConfigDict(extra="forbid", strict=True)


def read(path: Path) -> dict[str, Any]:
    """Parse a TOML file; InfraError names the file when it is missing or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InfraError(f"{path}: {error}") from error


def build(kind: type[T], fields: dict[str, Any], path: Path) -> T:
    """Build a `kind` from fields read from `path`. InfraError names the file and the field."""
    # Strict validation accepts arrays for tuples and tables for dataclasses only in JSON.
    try:
        return TypeAdapter(kind).validate_json(json.dumps(fields, default=str))
    except ValidationError as error:
        raise InfraError(f"{path}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in problem["loc"])
    messages = {"unexpected_keyword_argument": "unknown field", "missing": "is missing"}
    text = messages.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return f"{field}: {text}" if field else text
