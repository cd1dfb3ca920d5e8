"""DetectText: the request's filters, the two models behind it, and the answer's shape."""

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
DECODED_SIDE: Final = 1600  # pixels: lines are read at a finer scale than they are found at

# Percent: Rekognition's own default for words.
# https://docs.aws.amazon.com/rekognition/latest/APIReference/API_DetectionFilter.html
DEFAULT_MIN_CONFIDENCE: Final = 80.0
CORNERS_OF_A_REGION: Final = 3  # at least


@dataclass(frozen=True)
class DetectTextRequest:
    """What is asked; without a region, the whole picture is."""

    image: Mapping[str, Any]
    wanted: WordFilter
    regions: tuple[Polygon, ...]

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> "DetectTextRequest":
        """Raises RekognitionError for a region that is none."""
        filters = parameters.get("Filters", {})
        regions = tuple(_region(region) for region in filters.get("RegionsOfInterest", ()))
        return cls(parameters["Image"], _word_filter(filters.get("WordFilter", {})), regions)


class DetectText:
    """The operation; the reader, its larger model, waits for the first picture that has text."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request whose types are right already. Raises RekognitionError."""
        request = DetectTextRequest.read(parameters)
        picture = open_picture(self._sources.read(request.image), side=DECODED_SIDE)
        places = in_reading_order(self._networks.text().find(picture))
        lines = (compose(place, self._networks.reader().read(picture, place)) for place in places)
        return {
            "TextDetections": _detections(choose(lines, request.wanted, request.regions)),
            "TextModelVersion": MODEL_VERSION,
        }


def _word_filter(parameters: Mapping[str, float]) -> WordFilter:
    return WordFilter(
        score=parameters.get("MinConfidence", DEFAULT_MIN_CONFIDENCE) / 100,
        height=parameters.get("MinBoundingBoxHeight", 0.0),
        width=parameters.get("MinBoundingBoxWidth", 0.0),
    )


def _region(parameters: Mapping[str, Any]) -> Polygon:
    """A box or a polygon; where both are given, the polygon, as the finer of the two."""
    if "Polygon" in parameters:
        corners = parameters["Polygon"]
        polygon = tuple(Point(corner.get("X", 0.0), corner.get("Y", 0.0)) for corner in corners)
        if len(polygon) >= CORNERS_OF_A_REGION:
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
    """All lines, then all words, counted through; a word names its line."""
    found = [_detection("LINE", number, line) for number, line in enumerate(lines)]
    for parent, line in enumerate(lines):
        for word in line.words:
            found.append(_detection("WORD", len(found), word) | {"ParentId": parent})
    return found


def _detection(kind: str, number: int, text: Line | Word) -> dict[str, Any]:
    return {
        "DetectedText": text.text,
        "Type": kind,
        "Id": number,
        "Confidence": percent(text.score),
        "Geometry": {
            "BoundingBox": around(text.place).as_answer(),
            "Polygon": [point.as_answer() for point in text.place],
        },
    }
