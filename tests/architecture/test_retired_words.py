"""The check of retired words finds them in prose, in names and in strings."""

import pytest

from tests.architecture.retired_words import RETIRED, in_text

SENTENCE = "A completed run is published; a failed one is compensated, and the outcome is final."


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Whoever hears of it may unmake the run.", "unmake"),
        ("def test_a_message_is_handed_back() -> None:", "handed_back"),
        ('log.error("Buried", extra=facts)', "Buried"),
        ("told = json.loads(body)", "told"),
    ],
)
def test_a_retired_word_is_found_in_prose_names_and_strings(text: str, word: str) -> None:
    assert word in [finding.word for finding in in_text("a.py", text)]


def test_a_finding_names_the_place_and_the_term_to_use() -> None:
    (finding,) = in_text("docs/a.md", "first\nThe message is buried.")
    assert str(finding) == "docs/a.md:2: 'buried' is retired; use: dead-letter"


@pytest.mark.parametrize("text", [SENTENCE, "untold", "The golden file stood the test."])
def test_other_words_are_not_found(text: str) -> None:
    assert list(in_text("a.md", text)) == []


def test_every_retired_word_has_a_replacement() -> None:
    assert all(RETIRED.values())
