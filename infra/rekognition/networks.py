"""All networks. Each is loaded at its first use and shared by all operations."""

from pathlib import Path

from infra.rekognition.age_gender import AgeGender
from infra.rekognition.centerface import FaceDetector
from infra.rekognition.coco import CocoDetector
from infra.rekognition.expressions import Expressions
from infra.rekognition.face_descriptor import FaceDescriber
from infra.rekognition.face_mesh import FaceMesh
from infra.rekognition.imagenet import ImagenetClassifier, class_names
from infra.rekognition.lazy import Lazy
from infra.rekognition.nudity import NudityClassifier
from infra.rekognition.text_detector import TextDetector
from infra.rekognition.text_recognizer import TextRecognizer
from infra.rekognition.vocabulary import load_vocabulary


class Networks:
    """The networks whose weights are in `models`. Call an attribute to get its network.

    Each network computes on `threads` threads.
    """

    def __init__(self, models: Path, threads: int) -> None:
        self.object_detector = Lazy(lambda: CocoDetector(models, threads))
        self.classifier = Lazy(lambda: ImagenetClassifier(models, threads))
        self.vocabulary = Lazy(lambda: load_vocabulary(class_names(models)))
        self.face_detector = Lazy(lambda: FaceDetector(models, threads))
        self.face_mesh = Lazy(lambda: FaceMesh(models, threads))
        self.age_gender = Lazy(lambda: AgeGender(models, threads))
        self.expressions = Lazy(lambda: Expressions(models, threads))
        self.face_descriptor = Lazy(lambda: FaceDescriber(models, threads))
        self.text_detector = Lazy(lambda: TextDetector(models, threads))
        self.text_recognizer = Lazy(lambda: TextRecognizer(models, threads))
        self.nudity_classifier = Lazy(lambda: NudityClassifier(models, threads))
