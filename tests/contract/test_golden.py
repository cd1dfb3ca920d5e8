"""The golden files: the exact JSON of each type and version of an event."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from shared.contracts.analysis import Analysis
from shared.contracts.envelope import Envelope, Event, Value, read_envelope
from shared.contracts.notification import Notification
from shared.errors import PermanentError
from tests.contract.samples import (
    DOCUMENTS,
    ENVELOPES,
    GOLDEN,
    NOTIFICATIONS,
    golden,
    golden_texts,
    indented,
)

CASES = sorted({path.stem for path in GOLDEN.glob("*.json")} - {*NOTIFICATIONS, *DOCUMENTS})
"""A golden file for each type, and ``<type>.<case>`` if one message cannot fill all fields."""


def type_of(case: str) -> str:
    return case if case in Event.registry else case.rpartition(".")[0]


TYPES = sorted(set(map(type_of, CASES)))


def message(kind: str) -> dict[str, Any]:
    return json.loads(golden(kind))


def filled_fields(case: str) -> list[str]:
    """The fields that have another value than their default in the golden file."""
    event = read_envelope(message(case)).data
    fields = type(event).model_fields.items()
    return [name for name, field in fields if getattr(event, name) != field.get_default()]


def required(model: type[Value] | type[Envelope]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


def values_in(value: Any) -> Iterator[Value]:
    """The value and all contract values inside it."""
    if isinstance(value, tuple):
        for item in value:
            yield from values_in(item)
    if isinstance(value, Value):
        yield value
        for name in type(value).model_fields:
            yield from values_in(getattr(value, name))


EVERY_REQUIRED = [(kind, name) for kind in TYPES for name in required(Event.registry[kind])]
EVERY_FIELD = [(case, name) for case in CASES for name in filled_fields(case)]


def test_every_type_of_event_has_a_golden_file_and_every_golden_file_a_type() -> None:
    types = {kind for kind, cls in Event.registry.items() if cls.__module__.startswith("shared.")}
    assert types == set(TYPES)


@pytest.mark.parametrize("kind", CASES)
def test_a_golden_file_is_read_and_written_back_unchanged(kind: str) -> None:
    assert indented(read_envelope(message(kind)).to_json()) == golden(kind)


@pytest.mark.parametrize("name", golden_texts())
def test_a_sample_is_written_exactly_like_its_golden_file(name: str) -> None:
    assert golden_texts()[name] == golden(name)


@pytest.mark.parametrize("kind", ENVELOPES)
def test_a_golden_file_is_read_as_its_sample(kind: str) -> None:
    assert read_envelope(message(kind)) == ENVELOPES[kind]


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_a_notification_is_read_as_its_sample(name: str) -> None:
    assert Notification.model_validate_json(golden(name)) == NOTIFICATIONS[name]


@pytest.mark.parametrize("kind", TYPES)
def test_the_golden_files_of_a_type_fill_every_nested_field(kind: str) -> None:
    fields = [
        (type(value).__name__, name, getattr(value, name) not in (None, (), {}))
        for case in CASES
        if type_of(case) == kind
        for value in values_in(read_envelope(message(case)).data)
        for name in type(value).model_fields
    ]
    names = {(value, name) for value, name, _ in fields}
    assert names - {(value, name) for value, name, filled in fields if filled} == set()


@pytest.mark.parametrize("kind", TYPES)
def test_the_golden_files_of_a_type_fill_every_field_of_its_event(kind: str) -> None:
    cases = [case for case in CASES if type_of(case) == kind]
    filled = {name for case in cases for name in filled_fields(case)}
    assert filled == set(Event.registry[kind].model_fields)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_read_as_its_sample(name: str) -> None:
    assert type(DOCUMENTS[name]).model_validate_json(golden(name)) == DOCUMENTS[name]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_golden_file_of_a_document_fills_every_field(name: str) -> None:
    empty = [
        (type(value).__name__, field)
        for value in values_in(DOCUMENTS[name])
        for field in type(value).model_fields
        if getattr(value, field) in (None, (), {})
    ]
    assert empty == []


def test_a_document_of_another_version_is_rejected() -> None:
    with pytest.raises(ValidationError, match="version"):
        Analysis.model_validate(json.loads(golden("analysis.v1")) | {"version": "2"})


def test_the_notifications_together_fill_every_field() -> None:
    filled = {
        name
        for notification in NOTIFICATIONS.values()
        for name, value in notification
        if value is not None
    }
    assert filled == set(Notification.model_fields)


@pytest.mark.parametrize("kind", CASES)
def test_an_unknown_field_is_ignored_at_every_level(kind: str) -> None:
    more = message(kind) | {"priority": 9}
    more["data"] |= {"mood": "blue"}
    more["data"].get("source", {}).update(storage="cold")
    assert read_envelope(more) == read_envelope(message(kind))


@pytest.mark.parametrize(("kind", "name"), EVERY_REQUIRED)
def test_a_message_without_a_required_field_is_unreadable(kind: str, name: str) -> None:
    incomplete = message(kind)
    del incomplete["data"][name]
    with pytest.raises(PermanentError) as refused:
        read_envelope(incomplete)
    assert refused.value.reason == "unreadable"
    assert f"data.{name}" in refused.value.detail


@pytest.mark.parametrize("name", sorted({*required(Envelope)} - {"type"}))
def test_an_envelope_without_one_of_its_attributes_is_unreadable(name: str) -> None:
    incomplete = message("image.resized.v1")
    del incomplete[name]
    with pytest.raises(PermanentError) as refused:
        read_envelope(incomplete)
    assert refused.value.reason == "unreadable"


@pytest.mark.parametrize("kind", ["image.enlarged.v1", "image.resized.v2", "", None, 7, ["a"]])
def test_an_unknown_type_or_version_has_its_own_reason(kind: object) -> None:
    with pytest.raises(PermanentError) as refused:
        read_envelope(message("image.resized.v1") | {"type": kind})
    assert refused.value.reason == "unknown-type"


@pytest.mark.parametrize(("kind", "name"), EVERY_FIELD)
def test_a_renamed_field_changes_the_event_or_makes_it_unreadable(kind: str, name: str) -> None:
    renamed = message(kind)
    data = renamed["data"]
    data[name] = data[name] is False or data[name]  # False is the default
    before = read_envelope(renamed)
    data[f"{name}_of_old"] = data.pop(name)
    try:
        after = read_envelope(renamed)
    except PermanentError:
        return
    assert after != before


def test_the_version_of_the_envelope_is_checked() -> None:
    with pytest.raises(PermanentError) as refused:
        read_envelope(message("image.resized.v1") | {"specversion": "2.0"})
    assert refused.value.reason == "unreadable"
