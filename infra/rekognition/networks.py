"""Every network there is, each loaded by the first call that needs it, and shared by all."""

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
from infra.rekognition.text_finder import TextFinder
from infra.rekognition.text_reader import TextReader
from infra.rekognition.vocabulary import load_vocabulary


class Networks:
    """Over the weights in this folder; each computes on so many threads. Call one to get it."""

    def __init__(self, models: Path, threads: int) -> None:
        self.things = Lazy(lambda: CocoDetector(models, threads))
        self.classes = Lazy(lambda: ImagenetClassifier(models, threads))
        self.vocabulary = Lazy(lambda: load_vocabulary(class_names(models)))
        self.faces = Lazy(lambda: FaceDetector(models, threads))
        self.mesh = Lazy(lambda: FaceMesh(models, threads))
        self.age_gender = Lazy(lambda: AgeGender(models, threads))
        self.expressions = Lazy(lambda: Expressions(models, threads))
        self.looks = Lazy(lambda: FaceDescriber(models, threads))
        self.text = Lazy(lambda: TextFinder(models, threads))
        self.reader = Lazy(lambda: TextReader(models, threads))
        self.nudity = Lazy(lambda: NudityClassifier(models, threads))
