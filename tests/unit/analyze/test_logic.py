"""What Rekognition's answers say, within what an event may carry."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analyze.logic import (
    LONGEST_LINE,
    MOST_LINES,
    ROOM,
    Detection,
    Thresholds,
    summarize,
)

AS_USUAL = Thresholds(max_labels=3, min_confidence=70)


def seen(*found: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"Name": name, "Confidence": sure} for name, sure in found]


def lines(*texts: str, kind: str = "LINE", sure: float = 99.0) -> list[dict[str, Any]]:
    return [{"DetectedText": text, "Type": kind, "Confidence": sure} for text in texts]


def text_of(found: list[dict[str, Any]]) -> tuple[str, ...] | None:
    return summarize({Detection.TEXT: {"TextDetections": found}}, AS_USUAL).text


def labels_of(*found: tuple[str, float]) -> list[str]:
    told = summarize({Detection.LABELS: {"Labels": seen(*found)}}, AS_USUAL).labels
    return [name for name, _ in told]


def test_what_was_not_asked_is_none() -> None:
    told = summarize({}, AS_USUAL)
    assert (told.labels, told.faces, told.text, told.flagged) == (None, None, None, None)
    assert told.models == {}


def test_what_was_asked_and_not_found_is_empty() -> None:
    told = summarize(
        {
            Detection.LABELS: {"Labels": []},
            Detection.FACES: {"FaceDetails": []},
            Detection.TEXT: {"TextDetections": []},
            Detection.MODERATION: {"ModerationLabels": []},
        },
        AS_USUAL,
    )
    assert (told.labels, told.faces, told.text, told.flagged) == ((), 0, (), ())


def test_the_surest_labels_come_first_and_no_more_than_wanted() -> None:
    assert labels_of(("Dog", 80), ("Cat", 99), ("Sofa", 75), ("Room", 90)) == ["Cat", "Room", "Dog"]


def test_labels_as_sure_as_each_other_come_by_name() -> None:
    assert labels_of(("Dog", 80), ("Cat", 80)) == ["Cat", "Dog"]


@pytest.mark.parametrize(("sure", "kept"), [(69.99, []), (70.0, ["Cat"])])
def test_a_label_has_to_be_sure_enough(sure: float, kept: list[str]) -> None:
    assert labels_of(("Cat", sure)) == kept


def test_a_confidence_is_told_to_two_decimals() -> None:
    told = summarize({Detection.LABELS: {"Labels": seen(("Cat", 98.76543))}}, AS_USUAL)
    assert told.labels == (("Cat", 98.77),)


def test_faces_that_are_sure_enough_are_counted() -> None:
    faces = [{"Confidence": 99.9}, {"Confidence": 12.0}, {"Confidence": 70.0}]
    assert summarize({Detection.FACES: {"FaceDetails": faces}}, AS_USUAL).faces == 2


def test_lines_are_told_in_reading_order_and_words_are_not() -> None:
    found = lines("BAKERY", "open") + lines("BAKERY", kind="WORD") + lines("blur", sure=10)
    assert text_of(found) == ("BAKERY", "open")


def test_a_page_of_text_is_cut_to_what_an_event_may_carry() -> None:
    told = text_of(lines(*["x" * 1000] * 1000))
    assert len(told) == MOST_LINES
    assert {len(line) for line in told} == {LONGEST_LINE}


def test_what_needs_a_look_is_named() -> None:
    answer = {"ModerationLabels": seen(("Smoking", 91), ("Drinking", 20))}
    assert summarize({Detection.MODERATION: answer}, AS_USUAL).flagged == ("Smoking",)


def test_each_detection_names_its_model() -> None:
    told = summarize(
        {
            Detection.LABELS: {"Labels": [], "LabelModelVersion": "3.0"},
            Detection.FACES: {"FaceDetails": []},
            Detection.MODERATION: {"ModerationLabels": [], "ModerationModelVersion": "7.0"},
        },
        AS_USUAL,
    )
    assert told.models == {"labels": "3.0", "moderation": "7.0"}


def test_a_thousand_labels_are_cut_to_the_surest_that_an_event_may_carry() -> None:
    found = [(f"A label of {'x' * 20} {n:03}", 99 - n / 100) for n in range(1000)]
    told = summarize({Detection.LABELS: {"Labels": seen(*found)}}, Thresholds(1000, 0.0)).labels
    assert [name for name, _ in told] == [name for name, _ in found[: len(told)]]
    assert len(json.dumps([{"name": n, "confidence": c} for n, c in told])) <= ROOM
    assert len(told) > 100


@given(st.text(min_size=1, max_size=5000), st.integers(1, 500))
def test_of_whatever_is_found_there_is_room_for_some_and_for_no_more_than_fits(
    word: str, number: int
) -> None:
    found = seen(*[(word, 99.0)] * number)
    flagged = summarize({Detection.MODERATION: {"ModerationLabels": found}}, AS_USUAL).flagged
    assert 1 <= len(flagged) <= number
    assert len(json.dumps(flagged, ensure_ascii=False).encode()) <= ROOM


NAMES = st.text(max_size=50)


@given(st.lists(st.tuples(NAMES, st.floats(0, 100))), st.integers(1, 20), st.floats(0, 100))
def test_no_more_and_no_less_sure_labels_than_the_thresholds_say(
    found: list[tuple[str, float]], most: int, least: float
) -> None:
    answers = {Detection.LABELS: {"Labels": seen(*found)}}
    told = summarize(answers, Thresholds(most, least)).labels
    enough = [sure for _, sure in found if sure >= least]
    assert [sure for _, sure in told] == [
        round(sure, 2) for sure in sorted(enough, reverse=True)[:most]
    ]
