"""DetectLabels: reads the request, runs two models, filters their labels, builds the response."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from infra.rekognition.dominant_colors import DominantColor, dominant_colors
from infra.rekognition.image_quality import measure
from infra.rekognition.labels import Instance, Label, find_labels
from infra.rekognition.networks import Networks
from infra.rekognition.pictures import open_picture
from infra.rekognition.sources import Sources
from infra.rekognition.vocabulary import Vocabulary

MODEL_VERSION: Final = "local-1.0 ssd-mobilenet-v2-coco-2018-03-29 efficientnet-lite0-57934424"
GENERAL_LABELS, IMAGE_PROPERTIES = "GENERAL_LABELS", "IMAGE_PROPERTIES"

# Rekognition's defaults; the confidence is in percent.
DEFAULT_MIN_CONFIDENCE: Final = 55.0
DEFAULT_COLORS: Final = 10

# Twice the input side of the larger network, so that a JPEG is not decoded with too little detail.
DECODED_SIDE: Final = 600


@dataclass(frozen=True)
class LabelFilter:
    """Names of labels and of categories, spelled as in responses."""

    labels: frozenset[str]
    categories: frozenset[str]

    @classmethod
    def read(cls, settings: Mapping[str, Any], direction: str) -> "LabelFilter":
        """Read one of the request's filters; the direction is Inclusion or Exclusion."""
        labels = settings.get(f"Label{direction}Filters", ())
        return cls(
            frozenset(labels), frozenset(settings.get(f"LabelCategory{direction}Filters", ()))
        )

    def matches(self, label: str, category: str | None) -> bool:
        return label in self.labels or category in self.categories

    def __bool__(self) -> bool:
        return bool(self.labels or self.categories)


@dataclass(frozen=True)
class DetectLabelsRequest:
    """The parameters of a request. The confidence is in percent; `max_labels` None is no limit."""

    image: Mapping[str, Any]
    features: frozenset[str]
    max_labels: int | None
    min_confidence: float
    included: LabelFilter
    excluded: LabelFilter
    max_colors: int

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> "DetectLabelsRequest":
        settings = parameters.get("Settings", {})
        labels = settings.get("GeneralLabels", {})
        colors = settings.get("ImageProperties", {})
        return cls(
            image=parameters["Image"],
            features=frozenset(parameters.get("Features") or (GENERAL_LABELS,)),
            max_labels=parameters.get("MaxLabels"),
            min_confidence=float(parameters.get("MinConfidence", DEFAULT_MIN_CONFIDENCE)),
            included=LabelFilter.read(labels, "Inclusion"),
            excluded=LabelFilter.read(labels, "Exclusion"),
            max_colors=colors.get("MaxDominantColors", DEFAULT_COLORS),
        )


class DetectLabels:
    """Handles the operation."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Handle a validated request. Raises RekognitionError."""
        request = DetectLabelsRequest.read(parameters)
        picture = open_picture(self._sources.read(request.image), side=DECODED_SIDE)
        response: dict[str, Any] = {"Labels": [], "LabelModelVersion": MODEL_VERSION}
        if GENERAL_LABELS in request.features:
            response["Labels"] = self._labels(picture, request)
        if IMAGE_PROPERTIES in request.features:
            response["ImageProperties"] = _properties(picture, request.max_colors)
        return response

    def _labels(self, picture: Image.Image, request: DetectLabelsRequest) -> list[dict[str, Any]]:
        vocabulary = self._networks.vocabulary()
        detections = self._networks.object_detector().detect(picture, request.min_confidence / 100)
        probabilities = self._networks.classifier().classify(picture)
        labels = find_labels(detections, probabilities.tolist(), vocabulary)
        return [_label(label, vocabulary) for label in _choose(labels, request, vocabulary)]


def _choose(
    labels: Iterable[Label], request: DetectLabelsRequest, vocabulary: Vocabulary
) -> list[Label]:
    """The labels that pass the confidence and the filters. Exclusion overrides inclusion."""
    chosen = []
    for label in labels:
        category = vocabulary.category(label.name)
        included = not request.included or request.included.matches(label.name, category)
        excluded = request.excluded.matches(label.name, category)
        if label.confidence >= request.min_confidence and included and not excluded:
            chosen.append(label)
    return chosen[: request.max_labels]


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
    return {"BoundingBox": instance.box.as_dict(), "Confidence": instance.confidence}


def _properties(picture: Image.Image, max_colors: int) -> dict[str, Any]:
    """Properties of the whole picture; no model here separates foreground and background."""
    quality = measure(picture)
    return {
        "Quality": {
            "Brightness": quality.brightness,
            "Sharpness": quality.sharpness,
            "Contrast": quality.contrast,
        },
        "DominantColors": [_color(color) for color in dominant_colors(picture, max_colors)],
    }


def _color(color: DominantColor) -> dict[str, Any]:
    """A color without SimplifiedColor, because Rekognition does not publish its twelve values."""
    return {
        "Red": color.red,
        "Green": color.green,
        "Blue": color.blue,
        "HexCode": f"#{color.red:02x}{color.green:02x}{color.blue:02x}",
        "CSSColor": color.css,
        "PixelPercent": color.percent,
    }
