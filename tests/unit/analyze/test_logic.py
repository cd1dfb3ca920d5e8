"""Summaries of Rekognition's answers fit into an event."""

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
    MAX_LIST_BYTES,
    MOST_LINES,
    AnswerSummary,
    Detection,
    Thresholds,
    models_of,
    summarize,
)

THRESHOLDS = Thresholds(max_labels=3)


def named(*labels: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"Name": name, "Confidence": confidence} for name, confidence in labels]


def lines(*texts: str, kind: str = "LINE", confidence: float = 99.0) -> list[dict[str, Any]]:
    return [{"DetectedText": text, "Type": kind, "Confidence": confidence} for text in texts]


def text_of(detections: list[dict[str, Any]]) -> tuple[str, ...] | None:
    return summarize({Detection.TEXT: {"TextDetections": detections}}, THRESHOLDS).text


def labels_of(*labels: tuple[str, float]) -> list[str]:
    summary = summarize({Detection.LABELS: {"Labels": named(*labels)}}, THRESHOLDS)
    return [name for name, _ in summary.labels]


def test_an_unrequested_detection_is_none() -> None:
    summary = summarize({}, THRESHOLDS)
    assert summary == AnswerSummary(
        labels=None, faces=None, text=None, flagged=None, embedding=None
    )


def test_a_detection_without_findings_is_empty() -> None:
    summary = summarize(
        {
            Detection.LABELS: {"Labels": []},
            Detection.FACES: {"FaceDetails": []},
            Detection.TEXT: {"TextDetections": []},
            Detection.MODERATION: {"ModerationLabels": []},
        },
        THRESHOLDS,
    )
    assert (summary.labels, summary.faces, summary.text, summary.flagged) == ((), 0, (), ())


def test_labels_are_sorted_by_confidence_and_limited() -> None:
    assert labels_of(("Dog", 80), ("Cat", 99), ("Sofa", 75), ("Room", 90)) == ["Cat", "Room", "Dog"]


def test_labels_of_equal_confidence_are_sorted_by_name() -> None:
    assert labels_of(("Dog", 80), ("Cat", 80)) == ["Cat", "Dog"]


@pytest.mark.parametrize(("confidence", "names"), [(69.99, []), (70.0, ["Cat"])])
def test_a_label_below_the_threshold_is_left_out(confidence: float, names: list[str]) -> None:
    assert labels_of(("Cat", confidence)) == names


def test_a_confidence_has_two_decimals() -> None:
    summary = summarize({Detection.LABELS: {"Labels": named(("Cat", 98.76543))}}, THRESHOLDS)
    assert summary.labels == (("Cat", 98.77),)


def test_faces_above_the_threshold_are_counted() -> None:
    faces = [{"Confidence": 99.9}, {"Confidence": 12.0}, {"Confidence": 70.0}]
    assert summarize({Detection.FACES: {"FaceDetails": faces}}, THRESHOLDS).faces == 2


def box(left: float, top: float, width: float, height: float) -> dict[str, Any]:
    return {"BoundingBox": {"Left": left, "Top": top, "Width": width, "Height": height}}


def largest_face(*faces: dict[str, Any]) -> tuple[float, float] | None:
    answer = {"FaceDetails": [{"Confidence": 99.0} | face for face in faces]}
    return summarize({Detection.FACES: answer}, THRESHOLDS).largest_face


def test_the_largest_face_is_summarized_by_its_centre() -> None:
    tall, wide = box(0.1, 0.2, 0.1, 0.5), box(0.3, 0.6, 0.4, 0.1)
    assert largest_face(wide, tall) == largest_face(tall, wide) == (0.15, 0.45)


def test_a_face_below_the_threshold_is_not_the_largest() -> None:
    uncertain = box(0.5, 0.5, 0.5, 0.5) | {"Confidence": 12.0}
    assert largest_face(uncertain, box(0.1, 0.1, 0.2, 0.2)) == (0.2, 0.2)
    assert largest_face(uncertain) is None


@pytest.mark.parametrize(
    ("left", "top", "centre"), [(-0.4, 0.95, (0.0, 1.0)), (1.2, -0.9, (1.0, 0.0))]
)
def test_the_centre_of_a_face_beyond_the_border_is_on_the_border(
    left: float, top: float, centre: tuple[float, float]
) -> None:
    assert largest_face(box(left, top, 0.3, 0.3)) == centre


def test_without_a_box_there_is_no_largest_face() -> None:
    assert largest_face() is None
    assert largest_face({"BoundingBox": None}, {}) is None
    assert summarize({}, THRESHOLDS).largest_face is None


def test_text_contains_lines_in_reading_order_without_words() -> None:
    detections = (
        lines("BAKERY", "open") + lines("BAKERY", kind="WORD") + lines("blur", confidence=10)
    )
    assert text_of(detections) == ("BAKERY", "open")


def test_long_text_is_cut_to_the_limits_of_an_event() -> None:
    text = text_of(lines(*["x" * 1000] * 1000))
    assert len(text) == MOST_LINES
    assert {len(line) for line in text} == {LONGEST_LINE}


def test_flagged_categories_are_named() -> None:
    answer = {"ModerationLabels": named(("Smoking", 91), ("Drinking", 20))}
    assert summarize({Detection.MODERATION: answer}, THRESHOLDS).flagged == ("Smoking",)


def numbers_of(*numbers: float) -> list[int]:
    summary = summarize({Detection.EMBEDDING: {"embedding": list(numbers)}}, THRESHOLDS)
    return list(array("b", b64decode(summary.embedding)))


def test_an_embedding_is_encoded_as_signed_bytes_scaled_to_127() -> None:
    assert numbers_of(0.25, -0.5, 0.0, 0.1) == [64, -127, 0, 25]
    assert numbers_of(0.0, 0.0) == [0, 0]


DIRECTIONS = st.lists(st.floats(-1, 1), min_size=256, max_size=256)


@settings(suppress_health_check=[HealthCheck.large_base_example])
@given(DIRECTIONS, DIRECTIONS)
def test_rounding_to_bytes_changes_a_cosine_little(left: list[float], right: list[float]) -> None:
    for numbers in (left, right):
        numbers[0] = 1.0  # avoids vectors close to 0
    rounded, exact = cosine(numbers_of(*left), numbers_of(*right)), cosine(left, right)
    assert rounded == pytest.approx(exact, abs=0.01)


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    return sumprod(left, right) / sqrt(sumprod(left, left) * sumprod(right, right))


def sumprod(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_models_are_named_for_the_answers_that_name_them() -> None:
    answers = {
        "labels": {"Labels": [], "LabelModelVersion": "3.0"},
        "faces": {"FaceDetails": []},
        "moderation": {"ModerationLabels": [], "ModerationModelVersion": "7.0"},
        "embedding": {"embedding": [], "modelId": "titan"},
    }
    assert models_of(answers) == {"labels": "3.0", "moderation": "7.0", "embedding": "titan"}


ANSWERS = {
    Detection.LABELS: {"Labels": named(("Cat", 75))},
    Detection.FACES: {"FaceDetails": [{"Confidence": 75}]},
    Detection.TEXT: {"TextDetections": lines("OPEN", confidence=75)},
    Detection.MODERATION: {"ModerationLabels": named(("Smoking", 75))},
}


@pytest.mark.parametrize("detection", ANSWERS)
def test_each_detection_has_its_own_threshold(detection: Detection) -> None:
    strict = replace(THRESHOLDS, **{detection: 75.1})
    summary, default = summarize(ANSWERS, strict), summarize(ANSWERS, THRESHOLDS)
    differs = [
        field.name
        for field in fields(summary)
        if getattr(summary, field.name) != getattr(default, field.name)
    ]
    assert differs == ["flagged" if detection is Detection.MODERATION else str(detection)]


def test_thresholds_are_those_of_the_requested_detections() -> None:
    thresholds = Thresholds(5, labels=60, faces=90).for_detections([Detection.FACES])
    assert thresholds == {"faces": 90.0}
    assert Thresholds(5, labels=60).for_detections([Detection.LABELS]) == {
        "max_labels": 5.0,
        "labels": 60.0,
    }


@given(st.builds(Thresholds, st.integers(1, 1000), *[st.floats(0, 100)] * 4))
def test_thresholds_survive_a_round_trip(thresholds: Thresholds) -> None:
    assert Thresholds.read(thresholds.for_detections(Detection)) == thresholds


@given(st.text(min_size=1, max_size=5000), st.integers(1, 500))
def test_flagged_names_never_exceed_their_size_limit(word: str, number: int) -> None:
    labels = named(*[(word, 99.0)] * number)
    flagged = summarize({Detection.MODERATION: {"ModerationLabels": labels}}, THRESHOLDS).flagged
    assert 1 <= len(flagged) <= number
    assert len(json.dumps(flagged, ensure_ascii=False).encode()) <= MAX_LIST_BYTES


NAMES = st.text(max_size=50)


@given(st.lists(st.tuples(NAMES, st.floats(0, 100))), st.integers(1, 20), st.floats(0, 100))
def test_labels_are_limited_in_number_and_confidence(
    labels: list[tuple[str, float]], most: int, least: float
) -> None:
    answers = {Detection.LABELS: {"Labels": named(*labels)}}
    summary = summarize(answers, Thresholds(most, least))
    confident = [confidence for _, confidence in labels if confidence >= least]
    assert [confidence for _, confidence in summary.labels] == [
        round(confidence, 2) for confidence in sorted(confident, reverse=True)[:most]
    ]
