"""The tree of errors, and what is known when one of them passes through."""

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
def test_each_kind_says_who_can_mend_it_unless_told_otherwise(
    kind: type[DarkroomError], fault: Fault
) -> None:
    assert kind("reason", "detail").fault is fault
    assert kind("reason", "detail", fault=Fault.INTERNAL).fault is Fault.INTERNAL


def test_an_error_reads_as_its_reason_and_detail() -> None:
    assert str(PermanentError("gone", "cat.jpg")) == "gone: cat.jpg"


def test_what_is_known_is_added_to_what_an_error_knows() -> None:
    with pytest.raises(PermanentError) as raised, error_context(owner="ada"):
        raise PermanentError("gone", "cat.jpg", key="cat.jpg")
    assert raised.value.facts == {"key": "cat.jpg", "owner": "ada"}


def test_errors_that_are_not_ours_pass_untouched() -> None:
    with pytest.raises(KeyError) as raised, error_context(owner="ada"):
        raise KeyError("x")
    assert not hasattr(raised.value, "facts")


@given(st.text(st.characters(), max_size=3 * LONGEST_DETAIL))
def test_a_sentence_is_one_line_of_words_that_anything_takes(words: str) -> None:
    said = sentence(words)
    assert said.isprintable()
    assert len(said) <= LONGEST_DETAIL
    assert len(said.encode()) <= 4 * LONGEST_DETAIL


def test_a_sentence_that_is_one_stays_as_it_is() -> None:
    assert sentence("Die Küche ist kein Bild: 猫, 🐈.") == "Die Küche ist kein Bild: 猫, 🐈."
