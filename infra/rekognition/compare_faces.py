"""CompareFaces: compares the source's largest face with every face of the target."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from infra.rekognition.centerface import DECODED_SIDE, DetectedFace
from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.face_descriptor import distance
from infra.rekognition.face_details import default_details
from infra.rekognition.networks import Networks
from infra.rekognition.percents import percent
from infra.rekognition.pictures import open_picture
from infra.rekognition.sources import Sources

DEFAULT_THRESHOLD: Final = 80.0  # percent, as Rekognition's own
MAX_FACES: Final = 100  # Rekognition's limit: the 100 largest faces

# The curve from distance to percent has two fixed points. 0.6, dlib's threshold for two faces of
# one person, is 80 %, Rekognition's default threshold. 0.4 is 99 %.
MIDDLE: Final = 0.6864
STEEPNESS: Final = 16.04


@dataclass(frozen=True)
class CompareFacesRequest:
    """The parameters of a request; the threshold is in percent."""

    source: Mapping[str, Any]
    target: Mapping[str, Any]
    threshold: float

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> "CompareFacesRequest":
        """Read the parameters. Raises RekognitionError for an unsupported one."""
        if parameters.get("QualityFilter", "NONE") != "NONE":
            raise _invalid("QualityFilter: this local server does not filter faces by quality")
        threshold = float(parameters.get("SimilarityThreshold", DEFAULT_THRESHOLD))
        return cls(parameters["SourceImage"], parameters["TargetImage"], threshold)


class CompareFaces:
    """Handles the operation."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Handle a validated request. Raises RekognitionError."""
        request = CompareFacesRequest.read(parameters)
        source, (source_face, *_) = self._faces(request.source, "SourceImage")
        target, target_faces = self._faces(request.target, "TargetImage")
        compared = self._compared((source, source_face), (target, target_faces))
        return {
            "SourceImageFace": {
                "BoundingBox": source_face.box.as_dict(),
                "Confidence": percent(source_face.score),
            },
            "FaceMatches": [
                {"Similarity": score, "Face": self._details(target, face)}
                for score, face in compared
                if score >= request.threshold
            ],
            "UnmatchedFaces": [
                self._details(target, face) for score, face in compared if score < request.threshold
            ],
        }

    def _compared(
        self,
        source: tuple[Image.Image, DetectedFace],
        target: tuple[Image.Image, list[DetectedFace]],
    ) -> list[tuple[float, DetectedFace]]:
        """The target's faces, each with its similarity to the source face, most similar first."""
        network = self._networks.face_descriptor()
        picture, source_face = source
        descriptor = network.describe(picture, source_face.landmarks)
        picture, faces = target
        compared = [
            (similarity(distance(descriptor, network.describe(picture, face.landmarks))), face)
            for face in faces
        ]
        return sorted(compared, key=lambda pair: -pair[0])

    def _faces(self, image: Mapping[str, Any], name: str) -> tuple[Image.Image, list[DetectedFace]]:
        """The picture and its faces, the largest first. Raises RekognitionError without a face."""
        picture = open_picture(self._sources.read(image), side=DECODED_SIDE)
        faces = self._networks.face_detector().detect(picture)[:MAX_FACES]
        if not faces:
            raise _invalid(f"{name}: no face was detected")
        return picture, faces

    def _details(self, picture: Image.Image, face: DetectedFace) -> dict[str, Any]:
        return default_details(picture, face, self._networks.face_mesh().fit(picture, face))


def similarity(distance: float) -> float:
    """The similarity in percent for a distance of two descriptors: a logistic curve (see above)."""
    return 100 / (1 + math.exp(STEEPNESS * (distance - MIDDLE)))


def _invalid(message: str) -> RekognitionError:
    return RekognitionError(Code.INVALID_PARAMETER, message)
