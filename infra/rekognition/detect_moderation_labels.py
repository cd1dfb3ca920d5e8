"""DetectModerationLabels: reports the score of one model, which detects nudity only.

open_nsfw estimates how likely a picture shows nudity. It does not detect violence, drugs, weapons
or hate symbols, and it does not distinguish kinds of nudity. So responses contain only two labels
of Rekognition's taxonomy, version 7: "Explicit Nudity" and its parent. Their confidence is the
model's score. Its authors call a score below 20 safe, and a score above 80 unsafe with high
probability (https://github.com/yahoo/open_nsfw).
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
DEFAULT_MIN_CONFIDENCE: Final = 50.0  # percent; Rekognition's default
DECODED_SIDE: Final = 512  # pixels; about twice the network's input


@dataclass(frozen=True)
class ModerationRequest:
    """The parameters of a request; the confidence is in percent."""

    image: Mapping[str, Any]
    min_confidence: float

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> "ModerationRequest":
        """Read the parameters. Raises RekognitionError for an unsupported one."""
        for unsupported in ("HumanLoopConfig", "ProjectVersion"):
            if unsupported in parameters:
                message = f"{unsupported}: not supported by this local server"
                raise RekognitionError(Code.INVALID_PARAMETER, message)
        min_confidence = parameters.get("MinConfidence", DEFAULT_MIN_CONFIDENCE)
        return cls(parameters["Image"], float(min_confidence))


class DetectModerationLabels:
    """Handles the operation."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Handle a validated request. Raises RekognitionError."""
        request = ModerationRequest.read(parameters)
        picture = open_picture(self._sources.read(request.image), side=DECODED_SIDE)
        confidence = percent(self._networks.nudity_classifier().score(picture))
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
