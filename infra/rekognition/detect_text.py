"""DetectText: reads the request, runs two models, filters the words, builds the response."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.rekognition.coordinates import Box, Point, Polygon, around
from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.networks import Networks
from infra.rekognition.percents import percent
from infra.rekognition.pictures import open_picture
from infra.rekognition.sources import Sources
from infra.rekognition.words import (
    Line,
    Word,
    WordFilter,
    choose,
    compose,
    in_reading_order,
)

MODEL_VERSION: Final = "local-1.0 pp-ocrv6-small"
DECODED_SIDE: Final = 1600  # pixels; recognition needs more detail than detection

# Rekognition's default for words, in percent.
# https://docs.aws.amazon.com/rekognition/latest/APIReference/API_DetectionFilter.html
DEFAULT_MIN_CONFIDENCE: Final = 80.0
MIN_CORNERS: Final = 3  # of a region


@dataclass(frozen=True)
class DetectTextRequest:
    """The parameters of a request. No region means the whole picture."""

    image: Mapping[str, Any]
    word_filter: WordFilter
    regions: tuple[Polygon, ...]

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> "DetectTextRequest":
        """Read the parameters. Raises RekognitionError for an invalid region."""
        filters = parameters.get("Filters", {})
        regions = tuple(_region(region) for region in filters.get("RegionsOfInterest", ()))
        return cls(parameters["Image"], _word_filter(filters.get("WordFilter", {})), regions)


class DetectText:
    """Handles the operation. The recognition network is loaded for the first picture with text."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Handle a validated request. Raises RekognitionError."""
        request = DetectTextRequest.read(parameters)
        picture = open_picture(self._sources.read(request.image), side=DECODED_SIDE)
        outlines = in_reading_order(self._networks.text_detector().find(picture))
        lines = (
            compose(outline, self._networks.text_recognizer().read(picture, outline))
            for outline in outlines
        )
        return {
            "TextDetections": _detections(choose(lines, request.word_filter, request.regions)),
            "TextModelVersion": MODEL_VERSION,
        }


def _word_filter(parameters: Mapping[str, float]) -> WordFilter:
    return WordFilter(
        score=parameters.get("MinConfidence", DEFAULT_MIN_CONFIDENCE) / 100,
        height=parameters.get("MinBoundingBoxHeight", 0.0),
        width=parameters.get("MinBoundingBoxWidth", 0.0),
    )


def _region(parameters: Mapping[str, Any]) -> Polygon:
    """The region's polygon, or its box if it has no polygon. Raises RekognitionError."""
    if "Polygon" in parameters:
        corners = parameters["Polygon"]
        polygon = tuple(Point(corner.get("X", 0.0), corner.get("Y", 0.0)) for corner in corners)
        if len(polygon) >= MIN_CORNERS:
            return polygon
    elif "BoundingBox" in parameters:
        sides = parameters["BoundingBox"]
        left, top, width, height = (
            sides.get(side, 0.0) for side in ("Left", "Top", "Width", "Height")
        )
        return Box(left, top, width, height).corners
    message = "RegionsOfInterest: a region is a BoundingBox, or a Polygon of three points or more"
    raise RekognitionError(Code.INVALID_PARAMETER, message)


def _detections(lines: list[Line]) -> list[dict[str, Any]]:
    """All lines, then all words, with consecutive ids. A word's ParentId is its line's id."""
    detections = [_detection("LINE", number, line) for number, line in enumerate(lines)]
    for parent, line in enumerate(lines):
        for word in line.words:
            detections.append(_detection("WORD", len(detections), word) | {"ParentId": parent})
    return detections


def _detection(kind: str, number: int, text: Line | Word) -> dict[str, Any]:
    return {
        "DetectedText": text.text,
        "Type": kind,
        "Id": number,
        "Confidence": percent(text.score),
        "Geometry": {
            "BoundingBox": around(text.outline).as_dict(),
            "Polygon": [point.as_dict() for point in text.outline],
        },
    }
