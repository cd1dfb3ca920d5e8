"""The default attributes of a face, shared by DetectFaces and CompareFaces."""

from typing import Any, Final

from PIL import Image

from infra.rekognition.centerface import DetectedFace
from infra.rekognition.face_mesh import Mesh
from infra.rekognition.image_quality import measure, part
from infra.rekognition.percents import percent

LANDMARK_FIELDS: Final = {
    "eyeLeft": "left_eye",
    "eyeRight": "right_eye",
    "mouthLeft": "mouth_left",
    "mouthRight": "mouth_right",
    "nose": "nose",
}


def default_details(picture: Image.Image, face: DetectedFace, mesh: Mesh) -> dict[str, Any]:
    """The face's box, confidence, five landmarks, pose and quality, as in a response."""
    quality = measure(part(picture, face.box))
    return {
        "BoundingBox": face.box.as_dict(),
        "Confidence": percent(face.score),
        "Landmarks": [
            {"Type": name, **getattr(face.landmarks, field).as_dict()}
            for name, field in LANDMARK_FIELDS.items()
        ],
        "Pose": {"Roll": mesh.pose.roll, "Yaw": mesh.pose.yaw, "Pitch": mesh.pose.pitch},
        "Quality": {"Brightness": quality.brightness, "Sharpness": quality.sharpness},
    }
