"""From what two models saw to labels: pure, and the place where they are made to agree."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from infra.rekognition.coco import Detection
from infra.rekognition.coordinates import Box
from infra.rekognition.percents import percent
from infra.rekognition.vocabulary import Vocabulary

# ImageNet's classifier has to say something of every picture; below this it is mostly guessing.
CLASSIFIER_FLOOR: Final = 0.30

PERSON, ANIMAL = "Person", "Animal"


@dataclass(frozen=True)
class Instance:
    """One thing that can be pointed at; confidence in percent."""

    confidence: float
    box: Box


@dataclass(frozen=True)
class Label:
    """One name for what is in a picture; confidence in percent."""

    name: str
    confidence: float
    instances: tuple[Instance, ...] = ()


def find_labels(
    detections: Sequence[Detection], probabilities: Iterable[float], vocabulary: Vocabulary
) -> list[Label]:
    """Every label that either model supports, the surest first.

    Where both have an opinion, the surer one counts. But where the detector sees a person, it alone
    speaks of animals: that somebody is taken for one must not happen.
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
    for found in detections:
        if name := vocabulary.coco.get(found.thing):
            instances[name].append(Instance(percent(found.score), found.box))
    return instances


def _detected(instances: dict[str, list[Instance]], vocabulary: Vocabulary) -> dict[str, float]:
    """A thing that is seen is all that it is a kind of, just as surely."""
    confidences: dict[str, float] = {}
    for name, found in instances.items():
        surest = max(each.confidence for each in found)
        for each in (name, *vocabulary.ancestors(name)):
            confidences[each] = max(surest, confidences.get(each, 0.0))
    return confidences


def _classified(probabilities: Iterable[float], vocabulary: Vocabulary) -> dict[str, float]:
    """A kind is as probable as all its classes together: ten breeds in doubt are still a dog."""
    sums: dict[str, float] = defaultdict(float)
    for name, probability in zip(vocabulary.imagenet, probabilities, strict=True):
        if name is not None:
            for each in (name, *vocabulary.ancestors(name)):
                sums[each] += probability
    return {name: percent(score) for name, score in sums.items() if score >= CLASSIFIER_FLOOR}
