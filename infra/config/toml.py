"""Reading the project's TOML files into frozen dataclasses, strictly."""

import json
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from infra.errors import InfraError

T = TypeVar("T")

# Unknown fields are refused, so that a misspelt setting is never silently the default; and a number
# is a number: "512" and true are not.
STRICT = ConfigDict(extra="forbid", strict=True)


def read(path: Path) -> dict[str, Any]:
    """Parse a TOML file; InfraError names the file when it is missing or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InfraError(f"{path}: {error}") from error


def build(kind: type[T], fields: dict[str, Any], path: Path) -> T:
    """Make a `kind` of fields read from `path`; InfraError names file and field when one is bad."""
    # As JSON, because strict validation takes an array for a tuple and a table for a dataclass
    # there, and nowhere else.
    try:
        return TypeAdapter(kind).validate_json(json.dumps(fields, default=str))
    except ValidationError as error:
        raise InfraError(f"{path}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in problem["loc"])
    words = {"unexpected_keyword_argument": "unknown field", "missing": "is missing"}
    text = words.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return f"{field}: {text}" if field else text
