"""DetectLabels: the request's own rules, the two models behind it, and the answer's shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.local.rekognition.coco import CocoDetector
from infra.local.rekognition.errors import Code, RekognitionError
from infra.local.rekognition.imagenet import ImagenetClassifier, class_names
from infra.local.rekognition.labels import Instance, Label, find_labels
from infra.local.rekognition.lazy import Lazy
from infra.local.rekognition.pictures import open_picture
from infra.local.rekognition.sources import Sources
from infra.local.rekognition.vocabulary import Vocabulary, load_vocabulary

MODEL_VERSION: Final = "local-1.0 ssd-mobilenet-v2-coco-2018-03-29 efficientnet-lite0-57934424"
DEFAULT_MIN_CONFIDENCE: Final = 55.0  # percent, as Rekognition's own

# Twice the side of the larger network's input: a JPEG decoded smaller would lose what it can see.
DECODED_SIDE: Final = 600


@dataclass(frozen=True)
class DetectLabelsRequest:
    """What is asked; confidence in percent, and no limit of labels where none is given."""

    image: Mapping[str, Any]
    max_labels: int | None
    min_confidence: float

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> "DetectLabelsRequest":
        """Refuses what it would have to ignore, rather than give an answer to another question."""
        if parameters.get("Features", ["GENERAL_LABELS"]) != ["GENERAL_LABELS"]:
            raise _invalid("Features: this local server offers GENERAL_LABELS only")
        if "Settings" in parameters:
            raise _invalid("Settings: this local server applies no filters yet")
        min_confidence = float(parameters.get("MinConfidence", DEFAULT_MIN_CONFIDENCE))
        return cls(parameters["Image"], parameters.get("MaxLabels"), min_confidence)


@dataclass(frozen=True)
class _Models:
    detector: CocoDetector
    classifier: ImagenetClassifier
    vocabulary: Vocabulary


class DetectLabels:
    """The operation; its models are loaded by the first picture that needs them."""

    def __init__(self, models: Path, threads: int, sources: Sources) -> None:
        self._models = Lazy(lambda: _load(models, threads))
        self._sources = sources

    def __call__(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request whose types are right already. Raises RekognitionError."""
        request = DetectLabelsRequest.read(parameters)
        picture = open_picture(self._sources.read(request.image), side=DECODED_SIDE)
        models = self._models()
        detections = models.detector.detect(picture, request.min_confidence / 100)
        probabilities = models.classifier.classify(picture)
        labels = find_labels(detections, probabilities.tolist(), models.vocabulary)
        chosen = _choose(labels, request)
        return {
            "Labels": [_label(label, models.vocabulary) for label in chosen],
            "LabelModelVersion": MODEL_VERSION,
        }


def _load(models: Path, threads: int) -> _Models:
    vocabulary = load_vocabulary(class_names(models))
    return _Models(CocoDetector(models, threads), ImagenetClassifier(models, threads), vocabulary)


def _choose(labels: list[Label], request: DetectLabelsRequest) -> list[Label]:
    sure = [label for label in labels if label.confidence >= request.min_confidence]
    return sure[: request.max_labels]


def _label(label: Label, vocabulary: Vocabulary) -> dict[str, Any]:
    category = vocabulary.category(label.name)
    return {
        "Name": label.name,
        "Confidence": label.confidence,
        "Instances": [_instance(instance) for instance in label.instances],
        "Parents": [{"Name": name} for name in vocabulary.ancestors(label.name)],
        "Aliases": [{"Name": name} for name in vocabulary.aliases.get(label.name, ())],
        "Categories": [{"Name": category}] if category else [],
    }


def _instance(instance: Instance) -> dict[str, Any]:
    return {"BoundingBox": instance.box.as_answer(), "Confidence": instance.confidence}


def _invalid(message: str) -> RekognitionError:
    return RekognitionError(Code.INVALID_PARAMETER, message)
