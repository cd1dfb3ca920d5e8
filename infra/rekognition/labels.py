"""Merges the results of two models into labels. Pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from infra.rekognition.coco import Detection
from infra.rekognition.coordinates import Box
from infra.rekognition.percents import percent
from infra.rekognition.vocabulary import Vocabulary

# The least probability of a class. The classifier assigns classes to every picture; those below
# this value are mostly wrong.
MIN_CLASS_SCORE: Final = 0.30

PERSON, ANIMAL = "Person", "Animal"


@dataclass(frozen=True)
class Instance:
    """A detected object with its box; the confidence is in percent."""

    confidence: float
    box: Box


@dataclass(frozen=True)
class Label:
    """A label of a picture; the confidence is in percent."""

    name: str
    confidence: float
    instances: tuple[Instance, ...] = ()


def find_labels(
    detections: Sequence[Detection], probabilities: Iterable[float], vocabulary: Vocabulary
) -> list[Label]:
    """The labels of both models, by descending confidence.

    If both models have a label, the higher confidence counts. If the detector sees a person, the
    classifier's animals are ignored, so that it never labels a person as an animal.
    """
    instances = _instances(detections, vocabulary)
    confidences = _detected(instances, vocabulary)
    for name, confidence in _classified(probabilities, vocabulary).items():
        if PERSON in instances and ANIMAL in (name, *vocabulary.ancestors(name)):
            continue
        confidences[name] = max(confidence, confidences.get(name, 0.0))
    labels = [
        Label(name, confidence, tuple(instances.get(name, ())))
        for name, confidence in confidences.items()
    ]
    return sorted(labels, key=lambda label: (-label.confidence, label.name))


def _instances(
    detections: Iterable[Detection], vocabulary: Vocabulary
) -> dict[str, list[Instance]]:
    instances: dict[str, list[Instance]] = defaultdict(list)
    for detection in detections:
        if name := vocabulary.coco.get(detection.class_id):
            instances[name].append(Instance(percent(detection.score), detection.box))
    return instances


def _detected(instances: dict[str, list[Instance]], vocabulary: Vocabulary) -> dict[str, float]:
    """The confidence of each detected label; its ancestors have at least the same confidence."""
    confidences: dict[str, float] = {}
    for name, objects in instances.items():
        confidence = max(instance.confidence for instance in objects)
        for label in (name, *vocabulary.ancestors(name)):
            confidences[label] = max(confidence, confidences.get(label, 0.0))
    return confidences


def _classified(probabilities: Iterable[float], vocabulary: Vocabulary) -> dict[str, float]:
    """The confidence of each classified label: the sum over its classes, such as all dog breeds."""
    sums: dict[str, float] = defaultdict(float)
    for name, probability in zip(vocabulary.imagenet, probabilities, strict=True):
        if name is not None:
            for label in (name, *vocabulary.ancestors(name)):
                sums[label] += probability
    return {label: percent(score) for label, score in sums.items() if score >= MIN_CLASS_SCORE}
