"""CompareFaces: the source's largest face beside each of the target's, and the answer's shape."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from infra.rekognition.centerface import DECODED_SIDE, FoundFace
from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.face_descriptor import distance
from infra.rekognition.face_details import default_details
from infra.rekognition.networks import Networks
from infra.rekognition.percents import percent
from infra.rekognition.pictures import open_picture
from infra.rekognition.sources import Sources

DEFAULT_THRESHOLD: Final = 80.0  # percent, as Rekognition's own
MOST_FACES: Final = 100  # of the target, the largest ones: Rekognition's limit

# The curve that makes percents of distances goes through two points: 0.6, where dlib's authors part
# two people from one, is 80 %, Rekognition's default threshold; and 0.4 is 99 %.
MIDDLE: Final = 0.6864
STEEPNESS: Final = 16.04


@dataclass(frozen=True)
class CompareFacesRequest:
    """What is asked; the threshold in percent."""

    source: Mapping[str, Any]
    target: Mapping[str, Any]
    threshold: float

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> "CompareFacesRequest":
        """Refuses what it would have to ignore, rather than give an answer to another question."""
        if parameters.get("QualityFilter", "NONE") != "NONE":
            raise _invalid("QualityFilter: this local server filters no faces by quality")
        threshold = float(parameters.get("SimilarityThreshold", DEFAULT_THRESHOLD))
        return cls(parameters["SourceImage"], parameters["TargetImage"], threshold)


class CompareFaces:
    """The operation."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request whose types are right already. Raises RekognitionError."""
        request = CompareFacesRequest.read(parameters)
        source, (wanted, *_) = self._faces(request.source, "SourceImage")
        target, others = self._faces(request.target, "TargetImage")
        compared = self._compared((source, wanted), (target, others))
        return {
            "SourceImageFace": {
                "BoundingBox": wanted.box.as_answer(),
                "Confidence": percent(wanted.score),
            },
            "FaceMatches": [
                {"Similarity": alike, "Face": self._details(target, face)}
                for alike, face in compared
                if alike >= request.threshold
            ],
            "UnmatchedFaces": [
                self._details(target, face) for alike, face in compared if alike < request.threshold
            ],
        }

    def _compared(
        self, wanted: tuple[Image.Image, FoundFace], others: tuple[Image.Image, list[FoundFace]]
    ) -> list[tuple[float, FoundFace]]:
        """Every face with its similarity to the wanted one, the most alike first."""
        looks = self._networks.looks()
        picture, face = wanted
        sought = looks.describe(picture, face.landmarks)
        picture, faces = others
        compared = [
            (similarity(distance(sought, looks.describe(picture, face.landmarks))), face)
            for face in faces
        ]
        return sorted(compared, key=lambda pair: -pair[0])

    def _faces(self, image: Mapping[str, Any], name: str) -> tuple[Image.Image, list[FoundFace]]:
        """The picture and its faces, the largest first; without one there is nothing to compare."""
        picture = open_picture(self._sources.read(image), side=DECODED_SIDE)
        faces = self._networks.faces().detect(picture)[:MOST_FACES]
        if not faces:
            raise _invalid(f"{name}: there is no face in it")
        return picture, faces

    def _details(self, picture: Image.Image, face: FoundFace) -> dict[str, Any]:
        return default_details(picture, face, self._networks.mesh().fit(picture, face))


def similarity(apart: float) -> float:
    """Percent, for a distance of descriptors: of our own making, but for where 80 is."""
    return 100 / (1 + math.exp(STEEPNESS * (apart - MIDDLE)))


def _invalid(message: str) -> RekognitionError:
    return RekognitionError(Code.INVALID_PARAMETER, message)
