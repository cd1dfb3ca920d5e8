"""The golden files: what each type and version of an event is, by letter."""

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
"""A golden file for each type, and ``<type>.<case>`` where one message cannot say it all."""


def type_of(case: str) -> str:
    return case if case in Event.registry else case.rpartition(".")[0]


TYPES = sorted(set(map(type_of, CASES)))


def message(kind: str) -> dict[str, Any]:
    return json.loads(golden(kind))


def told(case: str) -> list[str]:
    """The fields that the golden file fills with anything but their default."""
    event = read_envelope(message(case)).data
    fields = type(event).model_fields.items()
    return [name for name, field in fields if getattr(event, name) != field.get_default()]


def required(model: type[Value] | type[Envelope]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


def values_in(value: Any) -> Iterator[Value]:
    """The value and every value of a contract inside it."""
    if isinstance(value, tuple):
        for one in value:
            yield from values_in(one)
    if isinstance(value, Value):
        yield value
        for name in type(value).model_fields:
            yield from values_in(getattr(value, name))


EVERY_REQUIRED = [(kind, name) for kind in TYPES for name in required(Event.registry[kind])]
EVERY_FIELD = [(case, name) for case in CASES for name in told(case)]


def test_every_type_of_event_has_a_golden_file_and_every_golden_file_a_type() -> None:
    ours = {kind for kind, cls in Event.registry.items() if cls.__module__.startswith("shared.")}
    assert ours == set(TYPES)


@pytest.mark.parametrize("kind", CASES)
def test_what_is_read_from_the_golden_file_is_written_back_by_letter(kind: str) -> None:
    assert indented(read_envelope(message(kind)).to_json()) == golden(kind)


@pytest.mark.parametrize("name", golden_texts())
def test_what_is_written_today_is_the_golden_file_by_letter(name: str) -> None:
    assert golden_texts()[name] == golden(name)


@pytest.mark.parametrize("kind", ENVELOPES)
def test_what_the_golden_file_says_is_read_back_as_the_same_event(kind: str) -> None:
    assert read_envelope(message(kind)) == ENVELOPES[kind]


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_a_notification_is_read_back_as_the_same(name: str) -> None:
    assert Notification.model_validate_json(golden(name)) == NOTIFICATIONS[name]


@pytest.mark.parametrize("kind", TYPES)
def test_the_golden_files_of_a_type_together_leave_no_field_of_its_event_out(kind: str) -> None:
    said = [
        (type(value).__name__, name, getattr(value, name) not in (None, (), {}))
        for case in CASES
        if type_of(case) == kind
        for value in values_in(read_envelope(message(case)).data)
        for name in type(value).model_fields
    ]
    empty = {(value, name) for value, name, _ in said}
    assert empty - {(value, name) for value, name, filled in said if filled} == set()


@pytest.mark.parametrize("kind", TYPES)
def test_every_field_of_a_type_is_told_in_one_of_its_golden_files(kind: str) -> None:
    cases = [case for case in CASES if type_of(case) == kind]
    assert {name for case in cases for name in told(case)} == set(Event.registry[kind].model_fields)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_read_back_as_the_same(name: str) -> None:
    assert type(DOCUMENTS[name]).model_validate_json(golden(name)) == DOCUMENTS[name]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_documents_golden_file_leaves_no_field_out(name: str) -> None:
    empty = [
        (type(value).__name__, field)
        for value in values_in(DOCUMENTS[name])
        for field in type(value).model_fields
        if getattr(value, field) in (None, (), {})
    ]
    assert empty == []


def test_a_document_of_another_version_is_not_read() -> None:
    with pytest.raises(ValidationError, match="version"):
        Analysis.model_validate(json.loads(golden("analysis.v1")) | {"version": "2"})


def test_the_notifications_together_leave_no_field_empty() -> None:
    filled = {name for told in NOTIFICATIONS.values() for name, value in told if value is not None}
    assert filled == set(Notification.model_fields)


@pytest.mark.parametrize("kind", CASES)
def test_an_unknown_field_is_ignored_wherever_it_stands(kind: str) -> None:
    more = message(kind) | {"priority": 9}
    more["data"] |= {"mood": "blue"}
    more["data"].get("source", {}).update(storage="cold")
    assert read_envelope(more) == read_envelope(message(kind))


@pytest.mark.parametrize(("kind", "name"), EVERY_REQUIRED)
def test_a_missing_required_field_makes_it_unreadable(kind: str, name: str) -> None:
    less = message(kind)
    del less["data"][name]
    with pytest.raises(PermanentError) as refused:
        read_envelope(less)
    assert refused.value.reason == "unreadable"
    assert f"data.{name}" in refused.value.detail


@pytest.mark.parametrize("name", sorted({*required(Envelope)} - {"type"}))
def test_an_envelope_without_one_of_its_attributes_is_unreadable(name: str) -> None:
    less = message("image.resized.v1")
    del less[name]
    with pytest.raises(PermanentError) as refused:
        read_envelope(less)
    assert refused.value.reason == "unreadable"


@pytest.mark.parametrize("kind", ["image.enlarged.v1", "image.resized.v2", "", None, 7, ["a"]])
def test_an_unknown_type_or_version_is_told_apart_from_the_unreadable(kind: object) -> None:
    with pytest.raises(PermanentError) as refused:
        read_envelope(message("image.resized.v1") | {"type": kind})
    assert refused.value.reason == "unknown-type"


@pytest.mark.parametrize(("kind", "name"), EVERY_FIELD)
def test_no_field_can_be_renamed_unnoticed(kind: str, name: str) -> None:
    said = message(kind)
    said["data"][name] = said["data"][name] is False or said["data"][name]  # off is the default
    before = read_envelope(said)
    said["data"][f"{name}_of_old"] = said["data"].pop(name)
    try:
        read_back = read_envelope(said)
    except PermanentError:
        return
    assert read_back != before


def test_the_version_of_the_envelope_is_checked() -> None:
    with pytest.raises(PermanentError) as refused:
        read_envelope(message("image.resized.v1") | {"specversion": "2.0"})
    assert refused.value.reason == "unreadable"
