"""Detections, thresholds, and the summary of Rekognition's and Bedrock's answers. Pure."""

import json
from array import array
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar


class Analyzer(StrEnum):
    """The analyzers, by the names that settings, requests and documents use."""

    REKOGNITION = "rekognition"
    """Amazon Rekognition, with Amazon Bedrock for embeddings."""


class Detection(StrEnum):
    """The detections. Each is billed separately, per image."""

    LABELS = "labels"
    FACES = "faces"
    TEXT = "text"
    MODERATION = "moderation"
    EMBEDDING = "embedding"
    """A vector that is close for similar pictures. Bedrock computes it."""


EMBEDDING_MODEL = "amazon.titan-embed-image-v1"
"""Amazon Titan Multimodal Embeddings G1, which takes a JPEG of up to 2,048 pixels a side."""

OF_PEOPLE = frozenset({Detection.FACES})
"""Detections about people. If disabled, they are not copied from earlier versions either."""

MODEL_VERSION = {
    Detection.LABELS: "LabelModelVersion",
    Detection.FACES: "FaceModelVersion",
    Detection.TEXT: "TextModelVersion",
    Detection.MODERATION: "ModerationModelVersion",
    Detection.EMBEDDING: "modelId",
}
"""The field of each answer that names the model."""

LONGEST_LINE = 200
MOST_LINES = 50
"""Lines of text, and characters of each, that travel in an event; the document has all of it."""
MAX_LIST_BYTES = 12_000
"""Maximum bytes of JSON of each list in an event: labels, lines of text, flagged categories. An
event has at most 256 KiB, and all runs of an image share the 400 KB of its record.
"""
ITEM_OVERHEAD = len('{"name":,"confidence":},')
"""Maximum bytes that a list item takes in addition to its texts and numbers."""

Answer = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Thresholds:
    """The minimum confidence of each detection, in percent, and the maximum number of labels."""

    max_labels: int = 10
    labels: float = 70.0
    faces: float = 70.0
    text: float = 70.0
    moderation: float = 70.0

    @classmethod
    def read(cls, values: Mapping[str, float]) -> "Thresholds":
        """These values, and the defaults of those that are missing."""
        present = {part.name: values[part.name] for part in fields(cls) if part.name in values}
        return cls(**present | {"max_labels": int(present.get("max_labels", cls.max_labels))})  # type: ignore[arg-type]  # one of them is an int

    def of(self, detection: Detection) -> float:
        confidence: float = getattr(self, detection)
        return confidence

    def for_detections(self, detections: Iterable[Detection]) -> dict[str, float]:
        """The thresholds of these detections, by name. An embedding has none."""
        confidences = {
            str(detection): float(self.of(detection))
            for detection in detections
            if detection is not Detection.EMBEDDING
        }
        most = {"max_labels": float(self.max_labels)} if Detection.LABELS in confidences else {}
        return most | confidences


@dataclass(frozen=True)
class AnalysisRequest:
    """The detections to request, their thresholds, and the analyzer."""

    analyzer: str
    detect: tuple[Detection, ...]
    thresholds: Thresholds

    @property
    def applied_thresholds(self) -> dict[str, float]:
        return self.thresholds.for_detections(self.detect)


@dataclass(frozen=True)
class AnswerSummary:
    """The part of the answers that events contain. None: not requested."""

    labels: tuple[tuple[str, float], ...] | None = None
    faces: int | None = None
    largest_face: tuple[float, float] | None = None
    """The centre of the largest face, as ratios of the picture's width and height."""
    text: tuple[str, ...] | None = None
    flagged: tuple[str, ...] | None = None
    embedding: str | None = None
    """256 signed bytes as base64."""


def summarize(answers: Mapping[str, Answer], thresholds: Thresholds) -> AnswerSummary:
    """The most certain findings of each answer, within the size of an event."""
    return AnswerSummary(
        labels=_labels(answers.get(Detection.LABELS), thresholds),
        faces=_faces(answers.get(Detection.FACES), thresholds),
        largest_face=_largest_face(answers.get(Detection.FACES), thresholds),
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


def _confident(findings: Sequence[Answer], least: float) -> list[Answer]:
    enough = [finding for finding in findings if finding["Confidence"] >= least]
    return sorted(enough, key=lambda f: (-f["Confidence"], str(f.get("Name", ""))))


def _labels(answer: Answer | None, thresholds: Thresholds) -> tuple[tuple[str, float], ...] | None:
    if answer is None:
        return None
    best = _confident(answer["Labels"], thresholds.labels)[: thresholds.max_labels]
    named = ((label["Name"][:LONGEST_LINE], round(label["Confidence"], 2)) for label in best)
    return _fitting(named)


def _faces(answer: Answer | None, thresholds: Thresholds) -> int | None:
    return None if answer is None else len(_confident(answer["FaceDetails"], thresholds.faces))


def _largest_face(answer: Answer | None, thresholds: Thresholds) -> tuple[float, float] | None:
    """The centre of the face with the largest area. A box may reach beyond the picture."""
    faces = _confident(answer["FaceDetails"], thresholds.faces) if answer else []
    boxes = [face["BoundingBox"] for face in faces if face.get("BoundingBox")]
    if not boxes:
        return None
    box = max(boxes, key=lambda box: box["Width"] * box["Height"])
    centre = box["Left"] + box["Width"] / 2, box["Top"] + box["Height"] / 2
    x, y = (round(min(max(ratio, 0.0), 1.0), 3) for ratio in centre)
    return x, y


def _text(answer: Answer | None, thresholds: Thresholds) -> tuple[str, ...] | None:
    if answer is None:
        return None
    lines = [text for text in answer["TextDetections"] if text["Type"] == "LINE"]
    confident = [line for line in lines if line["Confidence"] >= thresholds.text]
    return _fitting(line["DetectedText"][:LONGEST_LINE] for line in confident[:MOST_LINES])


def _flagged(answer: Answer | None, thresholds: Thresholds) -> tuple[str, ...] | None:
    if answer is None:
        return None
    confident = _confident(answer["ModerationLabels"], thresholds.moderation)
    return _fitting(label["Name"][:LONGEST_LINE] for label in confident)


def _embedding(answer: Answer | None) -> str | None:
    """Its numbers as bytes, the greatest of them as 127: directions count, lengths do not.

    What that rounds off changes the cosine of two of them by less than 0.01.
    """
    if answer is None:
        return None
    numbers: Sequence[float] = answer["embedding"]
    most = max(map(abs, numbers)) or 1.0
    return b64encode(array("b", (round(127 * number / most) for number in numbers))).decode()


def _fitting(findings: Iterable[T]) -> tuple[T, ...]:
    """The first findings that fit into ``MAX_LIST_BYTES``."""
    fitting, remaining = [], MAX_LIST_BYTES
    for finding in findings:
        remaining -= len(json.dumps(finding, ensure_ascii=False).encode()) + ITEM_OVERHEAD
        if remaining < 0:
            break
        fitting.append(finding)
    return tuple(fitting)
