"""What Rekognition's and Bedrock's answers say, in our words. Pure."""

import json
from array import array
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar


class Analyzer(StrEnum):
    """Who can be asked, by the name that settings, requests and documents use."""

    REKOGNITION = "rekognition"
    """Amazon Rekognition; and for what it has no answer to, Amazon Bedrock."""


class Detection(StrEnum):
    """What can be asked. Each is billed on its own, for each image."""

    LABELS = "labels"
    FACES = "faces"
    TEXT = "text"
    MODERATION = "moderation"
    EMBEDDING = "embedding"
    """Numbers that are alike for pictures that are alike; Bedrock's to answer."""


EMBEDDING_MODEL = "amazon.titan-embed-image-v1"
"""Amazon Titan Multimodal Embeddings G1, which takes a JPEG of up to 2,048 pixels a side."""

OF_PEOPLE = frozenset({Detection.FACES})
"""What tells of the people in a picture. Switched off, it is taken over from no earlier version."""

MODEL_VERSION = {
    Detection.LABELS: "LabelModelVersion",
    Detection.FACES: "FaceModelVersion",
    Detection.TEXT: "TextModelVersion",
    Detection.MODERATION: "ModerationModelVersion",
    Detection.EMBEDDING: "modelId",
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
    """The confidence, in percent, from which what a detection finds counts; and of how many labels
    at most.
    """

    max_labels: int = 10
    labels: float = 70.0
    faces: float = 70.0
    text: float = 70.0
    moderation: float = 70.0

    @classmethod
    def read(cls, told: Mapping[str, float]) -> "Thresholds":
        """What ``told`` says, and for what it leaves out the default."""
        known = {part.name: told[part.name] for part in fields(cls) if part.name in told}
        return cls(**known | {"max_labels": int(known.get("max_labels", cls.max_labels))})  # type: ignore[arg-type]  # one of them is an int

    def of(self, detection: Detection) -> float:
        confidence: float = getattr(self, detection)
        return confidence

    def told(self, detections: Iterable[Detection]) -> dict[str, float]:
        """What applies to these detections, by name; an embedding is what it is."""
        told = {
            str(one): float(self.of(one)) for one in detections if one is not Detection.EMBEDDING
        }
        most = {"max_labels": float(self.max_labels)} if Detection.LABELS in told else {}
        return most | told


@dataclass(frozen=True)
class Question:
    """What is asked about a picture, and whom."""

    analyzer: str
    detect: tuple[Detection, ...]
    thresholds: Thresholds

    @property
    def told(self) -> dict[str, float]:
        return self.thresholds.told(self.detect)


@dataclass(frozen=True)
class Summary:
    """The part of the answers that travels in events. None: not asked."""

    labels: tuple[tuple[str, float], ...] | None = None
    faces: int | None = None
    text: tuple[str, ...] | None = None
    flagged: tuple[str, ...] | None = None
    embedding: str | None = None
    """256 signed bytes as base64."""


def summarize(answers: Mapping[str, Answer], thresholds: Thresholds) -> Summary:
    """The most certain of each answer, within what an event may carry."""
    return Summary(
        labels=_labels(answers.get(Detection.LABELS), thresholds),
        faces=_faces(answers.get(Detection.FACES), thresholds),
        text=_text(answers.get(Detection.TEXT), thresholds),
        flagged=_flagged(answers.get(Detection.MODERATION), thresholds),
        embedding=_embedding(answers.get(Detection.EMBEDDING)),
    )


def models_of(answers: Mapping[str, Answer]) -> dict[str, str]:
    """The version of the model behind each answer that names one, by detection."""
    return {
        str(detection): str(answers[detection][name])[:LONGEST_LINE]
        for detection, name in MODEL_VERSION.items()
        if detection in answers and answers[detection].get(name)
    }


def _sure(found: Sequence[Answer], least: float) -> list[Answer]:
    enough = [one for one in found if one["Confidence"] >= least]
    return sorted(enough, key=lambda one: (-one["Confidence"], str(one.get("Name", ""))))


def _labels(answer: Answer | None, thresholds: Thresholds) -> tuple[tuple[str, float], ...] | None:
    if answer is None:
        return None
    best = _sure(answer["Labels"], thresholds.labels)[: thresholds.max_labels]
    named = ((label["Name"][:LONGEST_LINE], round(label["Confidence"], 2)) for label in best)
    return _fitting(named)


def _faces(answer: Answer | None, thresholds: Thresholds) -> int | None:
    return None if answer is None else len(_sure(answer["FaceDetails"], thresholds.faces))


def _text(answer: Answer | None, thresholds: Thresholds) -> tuple[str, ...] | None:
    if answer is None:
        return None
    lines = [found for found in answer["TextDetections"] if found["Type"] == "LINE"]
    sure = [line for line in lines if line["Confidence"] >= thresholds.text]
    return _fitting(line["DetectedText"][:LONGEST_LINE] for line in sure[:MOST_LINES])


def _flagged(answer: Answer | None, thresholds: Thresholds) -> tuple[str, ...] | None:
    if answer is None:
        return None
    sure = _sure(answer["ModerationLabels"], thresholds.moderation)
    return _fitting(label["Name"][:LONGEST_LINE] for label in sure)


def _embedding(answer: Answer | None) -> str | None:
    """Its numbers as bytes, the greatest of them as 127: directions count, lengths do not.

    What that rounds off changes the cosine of two of them by less than 0.01.
    """
    if answer is None:
        return None
    numbers: Sequence[float] = answer["embedding"]
    most = max(map(abs, numbers)) or 1.0
    return b64encode(array("b", (round(127 * number / most) for number in numbers))).decode()


def _fitting(found: Iterable[T]) -> tuple[T, ...]:
    """As many of the first as there is room for; of any there are, at least one."""
    kept, room = [], ROOM
    for one in found:
        room -= len(json.dumps(one, ensure_ascii=False).encode()) + NAMES
        if room < 0:
            break
        kept.append(one)
    return tuple(kept)
