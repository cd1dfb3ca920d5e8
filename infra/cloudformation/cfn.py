"""Functions for CloudFormation's syntax: each returns a dictionary for the template."""

import json
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]


def logical(name: str, kind: str) -> str:
    """The logical id of a service's resource: ("image_search", "Queue") is ImageSearchQueue."""
    return "".join(word.capitalize() for word in name.split("_")) + kind


def ref(logical_id: str) -> Json:
    return {"Ref": logical_id}


def att(logical_id: str, attribute: str = "Arn") -> Json:
    return {"Fn::GetAtt": [logical_id, attribute]}


def sub(text: str) -> Json:
    return {"Fn::Sub": text}


def sub_if_needed(text: str) -> Any:
    """`sub` of a text with variables; a text without variables is returned as it is."""
    return sub(text) if "${" in text else text


def resource(kind: str, properties: Json, **attributes: Any) -> Json:
    """A resource; `attributes` are DependsOn, DeletionPolicy and so on."""
    return {"Type": f"AWS::{kind}", **attributes, "Properties": properties}


def output(value: Any, description: str) -> Json:
    return {"Value": value, "Description": description}


def policy(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: Iterable[str], on: Any, condition: Json | None = None, **more: Any) -> Json:
    """An Allow statement. `more` holds the Principal of a resource policy."""
    return _statement("Allow", actions, on, condition, more)


def deny(actions: Iterable[str], on: Any, condition: Json | None = None, **more: Any) -> Json:
    """A Deny statement. It overrides every Allow."""
    return _statement("Deny", actions, on, condition, more)


def as_text(template: Json) -> str:
    """A template as indented JSON, for files and golden tests."""
    return json.dumps(template, indent=2) + "\n"


def _statement(
    effect: str, actions: Iterable[str], on: Any, condition: Json | None, more: Json
) -> Json:
    statement = {"Effect": effect, **more, "Action": list(actions), "Resource": on}
    return statement | ({"Condition": condition} if condition else {})
