"""What Rekognition's answers say, within what an event may carry."""

import json
from array import array
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import fields, replace
from math import sqrt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.analyze.logic import (
    LONGEST_LINE,
    MOST_LINES,
    ROOM,
    AnswerSummary,
    Detection,
    Thresholds,
    models_of,
    summarize,
)

AS_USUAL = Thresholds(max_labels=3)


def seen(*found: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"Name": name, "Confidence": sure} for name, sure in found]


def lines(*texts: str, kind: str = "LINE", sure: float = 99.0) -> list[dict[str, Any]]:
    return [{"DetectedText": text, "Type": kind, "Confidence": sure} for text in texts]


def text_of(found: list[dict[str, Any]]) -> tuple[str, ...] | None:
    return summarize({Detection.TEXT: {"TextDetections": found}}, AS_USUAL).text


def labels_of(*found: tuple[str, float]) -> list[str]:
    told = summarize({Detection.LABELS: {"Labels": seen(*found)}}, AS_USUAL).labels
    return [name for name, _ in told]


def test_an_unrequested_detection_is_none() -> None:
    told = summarize({}, AS_USUAL)
    assert told == AnswerSummary(labels=None, faces=None, text=None, flagged=None, embedding=None)


def test_a_detection_without_findings_is_empty() -> None:
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


def test_labels_are_sorted_by_confidence_and_limited() -> None:
    assert labels_of(("Dog", 80), ("Cat", 99), ("Sofa", 75), ("Room", 90)) == ["Cat", "Room", "Dog"]


def test_labels_of_equal_confidence_are_sorted_by_name() -> None:
    assert labels_of(("Dog", 80), ("Cat", 80)) == ["Cat", "Dog"]


@pytest.mark.parametrize(("sure", "kept"), [(69.99, []), (70.0, ["Cat"])])
def test_a_label_below_the_threshold_is_left_out(sure: float, kept: list[str]) -> None:
    assert labels_of(("Cat", sure)) == kept


def test_a_confidence_has_two_decimals() -> None:
    told = summarize({Detection.LABELS: {"Labels": seen(("Cat", 98.76543))}}, AS_USUAL)
    assert told.labels == (("Cat", 98.77),)


def test_faces_above_the_threshold_are_counted() -> None:
    faces = [{"Confidence": 99.9}, {"Confidence": 12.0}, {"Confidence": 70.0}]
    assert summarize({Detection.FACES: {"FaceDetails": faces}}, AS_USUAL).faces == 2


def test_text_contains_lines_in_reading_order_without_words() -> None:
    found = lines("BAKERY", "open") + lines("BAKERY", kind="WORD") + lines("blur", sure=10)
    assert text_of(found) == ("BAKERY", "open")


def test_a_page_of_text_is_cut_to_what_an_event_may_carry() -> None:
    told = text_of(lines(*["x" * 1000] * 1000))
    assert len(told) == MOST_LINES
    assert {len(line) for line in told} == {LONGEST_LINE}


def test_flagged_categories_are_named() -> None:
    answer = {"ModerationLabels": seen(("Smoking", 91), ("Drinking", 20))}
    assert summarize({Detection.MODERATION: answer}, AS_USUAL).flagged == ("Smoking",)


def numbers_of(*numbers: float) -> list[int]:
    told = summarize({Detection.EMBEDDING: {"embedding": list(numbers)}}, AS_USUAL).embedding
    return list(array("b", b64decode(told)))


def test_an_embedding_travels_as_signed_bytes_the_greatest_of_them_127() -> None:
    assert numbers_of(0.25, -0.5, 0.0, 0.1) == [64, -127, 0, 25]
    assert numbers_of(0.0, 0.0) == [0, 0]


DIRECTIONS = st.lists(st.floats(-1, 1), min_size=256, max_size=256)


@settings(suppress_health_check=[HealthCheck.large_base_example])
@given(DIRECTIONS, DIRECTIONS)
def test_what_bytes_round_off_changes_a_cosine_little(one: list[float], other: list[float]) -> None:
    for numbers in (one, other):
        numbers[0] = 1.0  # so that none is all but 0
    kept, exact = cosine(numbers_of(*one), numbers_of(*other)), cosine(one, other)
    assert kept == pytest.approx(exact, abs=0.01)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sumprod(one, other) / sqrt(sumprod(one, one) * sumprod(other, other))


def sumprod(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_each_detection_names_its_model_if_it_has_a_name_for_it() -> None:
    answers = {
        "labels": {"Labels": [], "LabelModelVersion": "3.0"},
        "faces": {"FaceDetails": []},
        "moderation": {"ModerationLabels": [], "ModerationModelVersion": "7.0"},
        "embedding": {"embedding": [], "modelId": "titan"},
    }
    assert models_of(answers) == {"labels": "3.0", "moderation": "7.0", "embedding": "titan"}


ONE_OF_EACH = {
    Detection.LABELS: {"Labels": seen(("Cat", 75))},
    Detection.FACES: {"FaceDetails": [{"Confidence": 75}]},
    Detection.TEXT: {"TextDetections": lines("OPEN", sure=75)},
    Detection.MODERATION: {"ModerationLabels": seen(("Smoking", 75))},
}


@pytest.mark.parametrize("detection", ONE_OF_EACH)
def test_each_detection_has_a_threshold_of_its_own(detection: Detection) -> None:
    strict = replace(AS_USUAL, **{detection: 75.1})
    told, as_usual = summarize(ONE_OF_EACH, strict), summarize(ONE_OF_EACH, AS_USUAL)
    differs = [
        part.name
        for part in fields(told)
        if getattr(told, part.name) != getattr(as_usual, part.name)
    ]
    assert differs == ["flagged" if detection is Detection.MODERATION else str(detection)]


def test_thresholds_are_those_of_the_requested_detections() -> None:
    told = Thresholds(5, labels=60, faces=90).for_detections([Detection.FACES])
    assert told == {"faces": 90.0}
    assert Thresholds(5, labels=60).for_detections([Detection.LABELS]) == {
        "max_labels": 5.0,
        "labels": 60.0,
    }


@given(st.builds(Thresholds, st.integers(1, 1000), *[st.floats(0, 100)] * 4))
def test_thresholds_survive_a_round_trip(thresholds: Thresholds) -> None:
    assert Thresholds.read(thresholds.for_detections(Detection)) == thresholds


@given(st.text(min_size=1, max_size=5000), st.integers(1, 500))
def test_findings_never_exceed_their_room(word: str, number: int) -> None:
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
