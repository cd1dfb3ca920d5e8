"""DetectFaces: which attributes are asked, the models that know them, and the answer's shape."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from infra.rekognition.centerface import DECODED_SIDE, FoundFace, Landmarks
from infra.rekognition.face_details import default_details
from infra.rekognition.face_mesh import Mesh
from infra.rekognition.networks import Networks
from infra.rekognition.percents import percent
from infra.rekognition.pictures import open_picture
from infra.rekognition.sources import Sources

MOST_FACES: Final = 100  # Rekognition's: the largest ones

# The models know no answer to the other attributes (BEARD, EYEGLASSES, EYES_OPEN, FACE_OCCLUDED …);
# they may be asked for, and are left out.
KNOWN: Final = frozenset({"AGE_RANGE", "GENDER", "EMOTIONS", "SMILE", "MOUTH_OPEN"})

# A mouth is open from this height on, in ratios of its width: a smile that shows teeth has .19 to
# .25 on the pictures of `make accuracy`, a speaking mouth .50.
OPEN_MOUTH: Final = 0.30
# How fast confidence grows with the distance from there: a tenth more, and it is 88 %.
STEEPNESS: Final = 20.0


@dataclass(frozen=True)
class DetectFacesRequest:
    """What is asked; beside the default there are attributes, and all of a face's landmarks."""

    image: Mapping[str, Any]
    attributes: frozenset[str]
    all_landmarks: bool

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> "DetectFacesRequest":
        asked = frozenset(parameters.get("Attributes", ()))
        everything = "ALL" in asked
        return cls(parameters["Image"], KNOWN if everything else asked & KNOWN, everything)


class DetectFaces:
    """The operation; a model is loaded by the first face that needs it."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request whose types are right already. Raises RekognitionError."""
        request = DetectFacesRequest.read(parameters)
        picture = open_picture(self._sources.read(request.image), side=DECODED_SIDE)
        faces = self._networks.faces().detect(picture)[:MOST_FACES]
        return {"FaceDetails": [self._detail(picture, face, request) for face in faces]}

    def _detail(
        self, picture: Image.Image, face: FoundFace, request: DetectFacesRequest
    ) -> dict[str, Any]:
        mesh = self._networks.mesh().fit(picture, face)
        detail = default_details(picture, face, mesh)
        if request.all_landmarks:
            detail["Landmarks"] += _more_landmarks(mesh)
        if "MOUTH_OPEN" in request.attributes:
            detail["MouthOpen"] = _answer(_openness(mesh))
        return detail | self._read(picture, face.landmarks, request.attributes)

    def _read(
        self, picture: Image.Image, face: Landmarks, attributes: frozenset[str]
    ) -> dict[str, Any]:
        """What has to be read in the face itself."""
        found: dict[str, Any] = {}
        if "AGE_RANGE" in attributes:
            age = self._networks.age_gender().age(picture, face)
            found["AgeRange"] = {"Low": age.low, "High": age.high}
        if "GENDER" in attributes:
            gender = self._networks.age_gender().gender(picture, face)
            found["Gender"] = {"Value": gender.value, "Confidence": percent(gender.score)}
        if attributes & {"EMOTIONS", "SMILE"}:
            emotions = self._networks.expressions().read(picture, face)
            told = {"Emotions": _emotions(emotions), "Smile": _answer(emotions["HAPPY"])}
            found |= {name: told[name] for name in told if name.upper() in attributes}
        return found


def _more_landmarks(mesh: Mesh) -> list[dict[str, Any]]:
    return [{"Type": name, **point.as_answer()} for name, point in mesh.landmarks.items()]


def _emotions(emotions: Mapping[str, float]) -> list[dict[str, Any]]:
    surest_first = sorted(emotions.items(), key=lambda each: -each[1])
    return [{"Type": name, "Confidence": percent(score)} for name, score in surest_first]


def _openness(mesh: Mesh) -> float:
    """As a probability, which it is not: a logistic curve over a length that was measured."""
    return 1 / (1 + math.exp(-STEEPNESS * (mesh.mouth_opening - OPEN_MOUTH)))


def _answer(chance: float) -> dict[str, Any]:
    """Yes or no, and how sure that is, in percent."""
    return {"Value": chance >= 0.5, "Confidence": percent(max(chance, 1 - chance))}  # noqa: PLR2004 (the middle)
