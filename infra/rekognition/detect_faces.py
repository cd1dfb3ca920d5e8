"""DetectFaces: detects faces and adds the requested attributes that the models support."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from infra.rekognition.centerface import DECODED_SIDE, DetectedFace, Landmarks
from infra.rekognition.face_details import default_details
from infra.rekognition.face_mesh import Mesh
from infra.rekognition.networks import Networks
from infra.rekognition.percents import percent
from infra.rekognition.pictures import open_picture
from infra.rekognition.sources import Sources

MAX_FACES: Final = 100  # Rekognition's limit: the 100 largest faces

# No model here supports the other attributes (BEARD, EYEGLASSES, EYES_OPEN, FACE_OCCLUDED …). A
# request may name them; the response omits them.
SUPPORTED: Final = frozenset({"AGE_RANGE", "GENDER", "EMOTIONS", "SMILE", "MOUTH_OPEN"})

# The least height of an open mouth, as a ratio of its width. In the photos of `make accuracy`, a
# smile that shows teeth has .19 to .25, and a speaking mouth has .50.
OPEN_MOUTH: Final = 0.30
# How fast the confidence grows beyond OPEN_MOUTH: it is 88 % at 0.1 more.
STEEPNESS: Final = 20.0


@dataclass(frozen=True)
class DetectFacesRequest:
    """The parameters of a request: additional attributes, and whether to return all landmarks."""

    image: Mapping[str, Any]
    attributes: frozenset[str]
    all_landmarks: bool

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> "DetectFacesRequest":
        names = frozenset(parameters.get("Attributes", ()))
        all_ = "ALL" in names
        return cls(parameters["Image"], SUPPORTED if all_ else names & SUPPORTED, all_)


class DetectFaces:
    """Handles the operation. A network is loaded for the first face that needs it."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Handle a validated request. Raises RekognitionError."""
        request = DetectFacesRequest.read(parameters)
        picture = open_picture(self._sources.read(request.image), side=DECODED_SIDE)
        faces = self._networks.face_detector().detect(picture)[:MAX_FACES]
        return {"FaceDetails": [self._detail(picture, face, request) for face in faces]}

    def _detail(
        self, picture: Image.Image, face: DetectedFace, request: DetectFacesRequest
    ) -> dict[str, Any]:
        mesh = self._networks.face_mesh().fit(picture, face)
        detail = default_details(picture, face, mesh)
        if request.all_landmarks:
            detail["Landmarks"] += _more_landmarks(mesh)
        if "MOUTH_OPEN" in request.attributes:
            detail["MouthOpen"] = _boolean(_openness(mesh))
        return detail | self._appearance(picture, face.landmarks, request.attributes)

    def _appearance(
        self, picture: Image.Image, face: Landmarks, attributes: frozenset[str]
    ) -> dict[str, Any]:
        """The requested attributes that networks estimate from the face's pixels."""
        detail: dict[str, Any] = {}
        if "AGE_RANGE" in attributes:
            age = self._networks.age_gender().age(picture, face)
            detail["AgeRange"] = {"Low": age.low, "High": age.high}
        if "GENDER" in attributes:
            gender = self._networks.age_gender().gender(picture, face)
            detail["Gender"] = {"Value": gender.value, "Confidence": percent(gender.score)}
        if attributes & {"EMOTIONS", "SMILE"}:
            emotions = self._networks.expressions().read(picture, face)
            both = {"Emotions": _emotions(emotions), "Smile": _boolean(emotions["HAPPY"])}
            detail |= {name: both[name] for name in both if name.upper() in attributes}
        return detail


def _more_landmarks(mesh: Mesh) -> list[dict[str, Any]]:
    return [{"Type": name, **point.as_dict()} for name, point in mesh.landmarks.items()]


def _emotions(emotions: Mapping[str, float]) -> list[dict[str, Any]]:
    by_score = sorted(emotions.items(), key=lambda emotion: -emotion[1])
    return [{"Type": name, "Confidence": percent(score)} for name, score in by_score]


def _openness(mesh: Mesh) -> float:
    """A score between 0 and 1 for an open mouth: a logistic curve over its measured height."""
    return 1 / (1 + math.exp(-STEEPNESS * (mesh.mouth_opening - OPEN_MOUTH)))


def _boolean(probability: float) -> dict[str, Any]:
    """A boolean attribute, with its confidence in percent."""
    confidence = percent(max(probability, 1 - probability))
    return {"Value": probability >= 0.5, "Confidence": confidence}  # noqa: PLR2004 (the middle)
