"""DetectModerationLabels: one model's one score, in as few of Rekognition's words as it supports.

open_nsfw knows how likely a picture shows nudity, and nothing else: no violence, no drugs, no
weapons, no hate symbols. Nor does it know which part of a body is bare, or whether that is meant to
excite. So of Rekognition's taxonomy, version 7, only "Explicit Nudity" and what it stands under are
ever said, and the confidence is the model's score as it is. Its authors call a score below 20 safe,
and one above 80 not safe with high probability (https://github.com/yahoo/open_nsfw).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.networks import Networks
from infra.rekognition.percents import percent
from infra.rekognition.pictures import open_picture
from infra.rekognition.sources import Sources

MODEL_VERSION: Final = "local-1.0 open-nsfw (nudity only)"
DEFAULT_MIN_CONFIDENCE: Final = 50.0  # percent, as Rekognition's own
DECODED_SIDE: Final = 512  # twice what the network sees


@dataclass(frozen=True)
class ModerationRequest:
    """What is asked; confidence in percent."""

    image: Mapping[str, Any]
    min_confidence: float

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> "ModerationRequest":
        """Refuses what it would have to ignore, rather than give an answer to another question."""
        for unknown in ("HumanLoopConfig", "ProjectVersion"):
            if unknown in parameters:
                message = f"{unknown}: this local server has no such thing"
                raise RekognitionError(Code.INVALID_PARAMETER, message)
        least = parameters.get("MinConfidence", DEFAULT_MIN_CONFIDENCE)
        return cls(parameters["Image"], float(least))


class DetectModerationLabels:
    """The operation."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request whose types are right already. Raises RekognitionError."""
        request = ModerationRequest.read(parameters)
        picture = open_picture(self._sources.read(request.image), side=DECODED_SIDE)
        confidence = percent(self._networks.nudity().score(picture))
        return {
            "ModerationLabels": _labels(confidence) if confidence >= request.min_confidence else [],
            "ModerationModelVersion": MODEL_VERSION,
            "ContentTypes": [],
        }


def _labels(confidence: float) -> list[dict[str, Any]]:
    return [
        _label("Explicit", "", 1, confidence),
        _label("Explicit Nudity", "Explicit", 2, confidence),
    ]


def _label(name: str, parent: str, level: int, confidence: float) -> dict[str, Any]:
    return {"Name": name, "ParentName": parent, "TaxonomyLevel": level, "Confidence": confidence}
