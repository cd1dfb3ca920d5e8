"""The error classes, and the context that is added to a passing error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import (
    LONGEST_DETAIL,
    DarkroomError,
    Fault,
    Overtaken,
    PermanentError,
    Throttled,
    TransientError,
    error_context,
    sentence,
)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (DarkroomError, Fault.INTERNAL),
        (PermanentError, Fault.CLIENT),
        (TransientError, Fault.DEPENDENCY),
        (Throttled, Fault.DEPENDENCY),
        (Overtaken, Fault.DEPENDENCY),
    ],
)
def test_each_class_has_a_default_fault(kind: type[DarkroomError], fault: Fault) -> None:
    assert kind("reason", "detail").fault is fault
    assert kind("reason", "detail", fault=Fault.INTERNAL).fault is Fault.INTERNAL


def test_an_error_is_shown_as_its_reason_and_detail() -> None:
    assert str(PermanentError("gone", "cat.jpg")) == "gone: cat.jpg"


def test_the_error_context_is_added_to_the_facts_of_an_error() -> None:
    with pytest.raises(PermanentError) as raised, error_context(owner="ada"):
        raise PermanentError("gone", "cat.jpg", key="cat.jpg")
    assert raised.value.facts == {"key": "cat.jpg", "owner": "ada"}


def test_other_errors_get_no_context() -> None:
    with pytest.raises(KeyError) as raised, error_context(owner="ada"):
        raise KeyError("x")
    assert not hasattr(raised.value, "facts")


@given(st.text(st.characters(), max_size=3 * LONGEST_DETAIL))
def test_a_sentence_is_short_and_printable(words: str) -> None:
    line = sentence(words)
    assert line.isprintable()
    assert len(line) <= LONGEST_DETAIL
    assert len(line.encode()) <= 4 * LONGEST_DETAIL


def test_a_printable_sentence_is_unchanged() -> None:
    assert sentence("Die Küche ist kein Bild: 猫, 🐈.") == "Die Küche ist kein Bild: 猫, 🐈."
