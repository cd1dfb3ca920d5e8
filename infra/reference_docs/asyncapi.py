"""The AsyncAPI 3.0 document: who announces and who answers what, written from the contracts'
classes and the services' own files. docs/asyncapi.json is for tools, docs/events.md for people.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.config.definitions import ROOT, UPLOADED, Definition, definitions
from infra.errors import InfraError
from infra.reference_docs.schemas import NOTIFICATION, Json, event_schema, notification_schema
from shared.contracts.envelope import Event
from shared.contracts.notification import STATUS

FOLDER = ROOT / "docs"
VERSION = "3.0.0"
DRAFT = "application/schema+json;version=draft-07"
"""The newest dialect that AsyncAPI's tools read. The schemas use nothing that came later, but for
`$defs`, which go to the document's own components.
"""
EVENTS, NOTIFICATIONS, BUS = "events", "notifications", "bus"
SERVERS = {
    "sns": {"host": "sns.{region}.amazonaws.com", "protocol": "sns"},
    "eventbridge": {"host": "events.{region}.amazonaws.com", "protocol": "https"},
}
REGION = {"region": {"description": "of the deployment"}}


def write(folder: Path) -> None:
    """Write the document and the page into the folder."""
    for name, text in texts().items():
        (folder / name).write_text(text, "utf-8")


def check(folder: Path) -> None:
    """Raise InfraError with the name of each file that is missing or out of date."""
    old = [name for name, text in texts().items() if _text_of(folder / name) != text]
    if old:
        raise InfraError(f"not what contracts and services say: {', '.join(old)}; make schemas")


def texts() -> dict[str, str]:
    """The text of both files, by name."""
    found = document(definitions())
    return {"asyncapi.json": json.dumps(found, indent=2) + "\n", "events.md": page(found)}


def _text_of(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def document(services: Iterable[Definition]) -> Json:
    """The whole of it; the same every time for the same services."""
    everyone = tuple(services)
    kinds = sorted({kind for each in everyone for kind in (*each.consumes, *each.publishes)})
    schemas, messages = _messages([kind for kind in kinds if kind != UPLOADED])
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Darkroom",
            "version": "1",
            "description": "What services say to each other, and what the world is told.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {name: {**each, "variables": REGION} for name, each in SERVERS.items()},
        "channels": _channels(messages),
        "operations": dict(_operations(everyone)),
        "components": {"schemas": schemas, "messages": messages},
    }


def page(found: Json) -> str:
    """The document as a page in Markdown: each message, who says it, who answers, what is in it."""
    messages = found["components"]["messages"]
    lines = [
        "# Events",
        "",
        "Written by `make schemas`; [asyncapi.json](asyncapi.json) says the same to tools, and",
        "[schemas](schemas) what each field means. Every event is a CloudEvents 1.0 envelope",
        "around the data listed here; required fields are **bold**. Verdicts reach EventBridge's",
        "default bus, too, where a stage runs `forward`.",
    ]
    for name, message in messages.items():
        lines += ["", f"## {name}", "", *_of_message(name, message, found)]
    return "\n".join(lines) + "\n"


def _messages(kinds: Iterable[str]) -> tuple[Json, Json]:
    """Schemas by their class's name, and messages by their type."""
    schemas: Json = {}
    named = {kind: event_schema(Event.registry[kind]) for kind in kinds}
    messages = {}
    for name, schema in {**named, NOTIFICATION: notification_schema()}.items():
        payload = _moved(schema)
        for title, part in payload.pop("$defs", {}).items():
            if schemas.setdefault(title, part) != part:
                raise ValueError(f"two different things are called {title}")
        summary = payload.get("description", "")
        messages[name] = {
            "name": name,
            "title": name,
            "summary": summary.partition(". ")[0].rstrip(".") + ".",
            "contentType": "application/json",
            "payload": {"schemaFormat": DRAFT, "schema": payload},
        }
    return dict(sorted(schemas.items())), messages


def _moved(schema: Any) -> Any:
    """The schema with its references turned to where the document keeps its parts."""
    if isinstance(schema, list):
        return [_moved(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _moved(each) for name, each in schema.items() if name not in ("$schema", "$id")}
    if isinstance(reference := kept.get("$ref"), str):
        kept["$ref"] = reference.replace("#/$defs/", "#/components/schemas/")
    return kept


def _channels(messages: Iterable[str]) -> Json:
    on = {
        EVENTS: [name for name in messages if name != NOTIFICATION],
        NOTIFICATIONS: [NOTIFICATION],
        BUS: sorted(kind.type for kind in STATUS),
    }
    said = {
        EVENTS: "The SNS topic on which services talk; filtered on the attribute `type`.",
        NOTIFICATIONS: "The SNS topic that the world subscribes to; filtered on `status`, "
        "`flagged`, `quarantined`, `owner` and `stage`.",
        BUS: "EventBridge's default bus, where a stage runs `forward`; the source is "
        "`darkroom.{stage}`, the detail type the event's, the detail its whole envelope.",
    }
    return {name: _channel(name, said[name], each) for name, each in on.items()}


def _channel(name: str, description: str, messages: Iterable[str]) -> Json:
    return {
        "address": "default" if name == BUS else f"darkroom-{{stage}}-{name}",
        "description": description,
        "servers": [{"$ref": f"#/servers/{'eventbridge' if name == BUS else 'sns'}"}],
        **({} if name == BUS else {"parameters": {"stage": {"description": "of the deployment"}}}),
        "messages": {each: {"$ref": f"#/components/messages/{each}"} for each in messages},
    }


def _operations(everyone: Iterable[Definition]) -> Iterator[tuple[str, Json]]:
    for each in everyone:
        if each.subscribes:
            yield f"{each.name}.consumes", _operation("receive", EVENTS, each, each.subscribes)
        if each.publishes:
            yield f"{each.name}.publishes", _operation("send", EVENTS, each, each.publishes)
        if each.name == "notify":
            yield "notify.tells", _operation("send", NOTIFICATIONS, each, [NOTIFICATION])
        if each.name == "forward":
            yield "forward.tells", _operation("send", BUS, each, each.consumes)


def _operation(action: str, channel: str, each: Definition, messages: Iterable[str]) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": f"`{each.name}` {each.purpose}.",
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _of_message(name: str, message: Json, found: Json) -> list[str]:
    schema = message["payload"]["schema"]
    data = schema["properties"].get("data")
    if data:
        schema = found["components"]["schemas"][data["$ref"].rpartition("/")[2]]
    who = {action: _who(action, name, found["operations"]) for action in ("send", "receive")}
    return [
        message["summary"],
        "",
        f"- announced by {who['send'] or 'nobody'}",
        f"- answered by {who['receive'] or 'whoever subscribes'}",
        "- fields: " + ", ".join(_fields(schema)),
    ]


def _who(action: str, message: str, operations: Mapping[str, Json]) -> str:
    names = {
        f"`{key.partition('.')[0]}`"
        for key, each in operations.items()
        if each["action"] == action
        and each["channel"]["$ref"] != f"#/channels/{BUS}"
        and any(one["$ref"].endswith(f"/messages/{message}") for one in each["messages"])
    }
    return ", ".join(sorted(names))


def _fields(schema: Json) -> Iterator[str]:
    required = schema.get("required", [])
    for name in schema["properties"]:
        yield f"**{name}**" if name in required else name
