"""The JSON Schemas of events, notifications and the analysis document, from the contracts.

`docs/schemas/<type>.json` describes a whole message: the envelope with its data. The schemas are
documentation; the golden files define a version.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, create_model

from infra.config.definitions import ROOT
from infra.errors import InfraError
from shared.contracts.analysis import Analysis
from shared.contracts.envelope import Envelope, Event, Value
from shared.contracts.notification import Notification

FOLDER = ROOT / "docs" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NOTIFICATION = "notification.v1"
ANALYSIS = "analysis.v1"

Json = dict[str, Any]
V = TypeVar("V", bound=Value)


def write(folder: Path) -> None:
    """Write the schemas into the folder, and delete all others."""
    texts = schema_texts()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")


def check(folder: Path) -> None:
    """Raise InfraError with the name of each file that is missing, left over or out of date."""
    expected = schema_texts()
    existing = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    differ = sorted(
        name
        for name in expected.keys() | existing.keys()
        if expected.get(name) != existing.get(name)
    )
    if differ:
        raise InfraError(f"out of date: {', '.join(differ)}; run: make schemas")


def schema_texts() -> dict[str, str]:
    """The text of every schema by file name."""
    schemas = {kind.type: event_schema(kind) for kind in _events()}
    schemas[NOTIFICATION] = notification_schema()
    schemas[ANALYSIS] = _schema(ANALYSIS, Analysis)
    return {f"{name}.json": json.dumps(schema, indent=2) + "\n" for name, schema in schemas.items()}


def event_schema(kind: type[Event]) -> Json:
    """The schema of a message with this event: the envelope with the event's data."""
    this_type: Any = Literal[kind.type]
    message = create_model(
        "Message", __base__=Envelope, __doc__=kind.__doc__, type=(this_type, ...), data=(kind, ...)
    )
    return _schema(kind.type, message)


def notification_schema() -> Json:
    """The schema of a notification."""
    return _schema(NOTIFICATION, Notification)


def _events() -> list[type[Event]]:
    return list(Event.registry.values())


def _subclasses(kind: type[V]) -> Iterator[type[V]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _schema(name: str, model: type[BaseModel]) -> Json:
    schema = model.model_json_schema()
    parts = {part.__name__: part for part in _subclasses(Value)}
    for title, part in schema.get("$defs", {}).items():
        _describe(part, _field_descriptions(parts[title]) if title in parts else {})
    _describe(schema, _field_descriptions(model))
    return {"$schema": DIALECT, "$id": f"urn:darkroom:{name}", **schema, "title": name}


def _describe(part: Json, descriptions: Mapping[str, str]) -> None:
    """Set the fields' descriptions to their docstrings, and drop titles that repeat the name."""
    if "description" in part:
        part["description"] = _plain(part["description"])
    for name, field in part.get("properties", {}).items():
        field.pop("title", None)
        if name in descriptions:
            field["description"] = descriptions[name]


def _field_descriptions(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings below a model's fields, its parents' included.

    They are read from the source here: with pydantic every function would do it at its start.
    """
    descriptions: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, (Value, Envelope)) and cls.__module__ != __name__:
            descriptions |= _docstrings_below(cls)
    return descriptions


@cache
def _docstrings_below(model: type[BaseModel]) -> dict[str, str]:
    """By field: the string literal after it in the body of this class alone."""
    (cls,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(cls, ast.ClassDef)
    return {
        field.target.id: _plain(docstring.value.value)
        for field, docstring in pairwise(cls.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant)
        if isinstance(docstring.value.value, str)
    }


def _plain(docstring: str) -> str:
    return " ".join(docstring.replace("``", "`").split())
