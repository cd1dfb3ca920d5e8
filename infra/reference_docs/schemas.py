"""The JSON Schemas of all that is said on the wire, and of the analysis document, written from
the contracts' own classes.

`docs/schemas/<type>.json` describes a whole message: the envelope with its data. They are for
those who do not read Python; the golden files decide what a version means.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
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
    """Make the folder hold these schemas and no other."""
    texts = schema_texts()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")


def check(folder: Path) -> None:
    """Raise InfraError with the name of each file that is missing, left over or out of date."""
    wanted = schema_texts()
    found = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    differ = sorted(
        name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
    )
    if differ:
        raise InfraError(f"not what the contracts say: {', '.join(differ)}; run: make schemas")


def schema_texts() -> dict[str, str]:
    """The text of every schema by its file's name."""
    schemas = {kind.type: event_schema(kind) for kind in _events()}
    schemas[NOTIFICATION] = notification_schema()
    schemas[ANALYSIS] = _schema(ANALYSIS, Analysis)
    return {f"{name}.json": json.dumps(found, indent=2) + "\n" for name, found in schemas.items()}


def event_schema(kind: type[Event]) -> Json:
    """The schema of a message that carries this event: its envelope, with the data spelled out."""
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


def _heirs(kind: type[V]) -> Iterator[type[V]]:
    for heir in kind.__subclasses__():
        yield heir
        yield from _heirs(heir)


def _schema(name: str, model: type[BaseModel]) -> Json:
    schema = model.model_json_schema()
    parts = {part.__name__: part for part in _heirs(Value)}
    for title, part in schema.get("$defs", {}).items():
        _describe(part, _field_words(parts[title]) if title in parts else {})
    _describe(schema, _field_words(model))
    return {"$schema": DIALECT, "$id": f"urn:darkroom:{name}", **schema, "title": name}


def _describe(part: Json, words: Mapping[str, str]) -> None:
    """Say of each field what its docstring says. A title that repeats the name says nothing."""
    if "description" in part:
        part["description"] = _plain(part["description"])
    for name, field in part.get("properties", {}).items():
        field.pop("title", None)
        if name in words:
            field["description"] = words[name]


def _field_words(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings below a model's fields, its parents' included.

    Read from the source, here and not by pydantic: every function would pay for that at its start.
    """
    words: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, (Value, Envelope)) and cls.__module__ != __name__:
            words |= _words_below(ast.parse(textwrap.dedent(inspect.getsource(cls))))
    return words


def _words_below(source: ast.Module) -> dict[str, str]:
    """By field: the string that stands right after it in the body of the one class there."""
    (cls,) = source.body
    assert isinstance(cls, ast.ClassDef)
    return {
        field.target.id: _plain(said.value.value)
        for field, said in pairwise(cls.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)
        if isinstance(said.value.value, str)
    }


def _plain(docstring: str) -> str:
    return " ".join(docstring.replace("``", "`").split())
