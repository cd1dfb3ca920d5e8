"""What Rekognition's answers say, in our words. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar


class Detection(StrEnum):
    """What Rekognition can be asked. Each is billed on its own, for each image."""

    LABELS = "labels"
    FACES = "faces"
    TEXT = "text"
    MODERATION = "moderation"


MODEL_VERSION = {
    Detection.LABELS: "LabelModelVersion",
    Detection.FACES: "FaceModelVersion",
    Detection.TEXT: "TextModelVersion",
    Detection.MODERATION: "ModerationModelVersion",
}
"""Where each answer names its model, if it does."""

LONGEST_LINE = 200
MOST_LINES = 50
"""Lines of text, and characters of each, that travel in an event; the document has all of it."""
ROOM = 12_000
"""Bytes of JSON that the labels may take in an event, and the lines of text, and what was flagged.
An event holds 256 KiB, and all runs of an image share the 400 KB of its record.
"""
NAMES = len('{"name":,"confidence":},')
"""Bytes that one more takes beside its words and numbers, at most."""

Answer = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Thresholds:
    """Confidences are in percent."""

    max_labels: int = 10
    min_confidence: float = 70.0

    def as_dict(self) -> dict[str, float]:
        return {"max_labels": self.max_labels, "min_confidence": self.min_confidence}


@dataclass(frozen=True)
class Summary:
    """The part of the answers that travels in events. None: not asked."""

    labels: tuple[tuple[str, float], ...] | None = None
    faces: int | None = None
    text: tuple[str, ...] | None = None
    flagged: tuple[str, ...] | None = None
    models: Mapping[str, str] = field(default_factory=dict)


def summarize(answers: Mapping[Detection, Answer], thresholds: Thresholds) -> Summary:
    """The most certain of each answer, within what an event may carry."""
    return Summary(
        labels=_labels(answers.get(Detection.LABELS), thresholds),
        faces=_faces(answers.get(Detection.FACES), thresholds),
        text=_text(answers.get(Detection.TEXT), thresholds),
        flagged=_flagged(answers.get(Detection.MODERATION), thresholds),
        models={
            detection: str(answer[MODEL_VERSION[detection]])[:LONGEST_LINE]
            for detection, answer in answers.items()
            if answer.get(MODEL_VERSION[detection])
        },
    )


def _sure(found: Sequence[Answer], thresholds: Thresholds) -> list[Answer]:
    enough = [one for one in found if one["Confidence"] >= thresholds.min_confidence]
    return sorted(enough, key=lambda one: (-one["Confidence"], str(one.get("Name", ""))))


def _labels(answer: Answer | None, thresholds: Thresholds) -> tuple[tuple[str, float], ...] | None:
    if answer is None:
        return None
    best = _sure(answer["Labels"], thresholds)[: thresholds.max_labels]
    named = ((label["Name"][:LONGEST_LINE], round(label["Confidence"], 2)) for label in best)
    return _fitting(named)


def _faces(answer: Answer | None, thresholds: Thresholds) -> int | None:
    return None if answer is None else len(_sure(answer["FaceDetails"], thresholds))


def _text(answer: Answer | None, thresholds: Thresholds) -> tuple[str, ...] | None:
    if answer is None:
        return None
    lines = [found for found in answer["TextDetections"] if found["Type"] == "LINE"]
    sure = [line for line in lines if line["Confidence"] >= thresholds.min_confidence]
    return _fitting(line["DetectedText"][:LONGEST_LINE] for line in sure[:MOST_LINES])


def _flagged(answer: Answer | None, thresholds: Thresholds) -> tuple[str, ...] | None:
    if answer is None:
        return None
    sure = _sure(answer["ModerationLabels"], thresholds)
    return _fitting(label["Name"][:LONGEST_LINE] for label in sure)


def _fitting(found: Iterable[T]) -> tuple[T, ...]:
    """As many of the first as there is room for; of any there are, at least one."""
    kept, room = [], ROOM
    for one in found:
        room -= len(json.dumps(one, ensure_ascii=False).encode()) + NAMES
        if room < 0:
            break
        kept.append(one)
    return tuple(kept)
