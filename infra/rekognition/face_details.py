"""What every answer says of a face: DetectFaces' default, and CompareFaces'."""

from typing import Any, Final

from PIL import Image

from infra.rekognition.centerface import FoundFace
from infra.rekognition.face_mesh import Mesh
from infra.rekognition.image_quality import measure, part
from infra.rekognition.percents import percent

FIVE: Final = {
    "eyeLeft": "left_eye",
    "eyeRight": "right_eye",
    "mouthLeft": "mouth_left",
    "mouthRight": "mouth_right",
    "nose": "nose",
}


def default_details(picture: Image.Image, face: FoundFace, mesh: Mesh) -> dict[str, Any]:
    quality = measure(part(picture, face.box))
    return {
        "BoundingBox": face.box.as_answer(),
        "Confidence": percent(face.score),
        "Landmarks": [
            {"Type": name, **getattr(face.landmarks, field).as_answer()}
            for name, field in FIVE.items()
        ],
        "Pose": {"Roll": mesh.pose.roll, "Yaw": mesh.pose.yaw, "Pitch": mesh.pose.pitch},
        "Quality": {"Brightness": quality.brightness, "Sharpness": quality.sharpness},
    }
