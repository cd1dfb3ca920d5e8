"""Whom of Amazon's services each question is for."""

from dataclasses import dataclass

from services.analyze.bedrock import Titan
from services.analyze.logic import Answer, Detection, Thresholds
from services.analyze.rekognition import Rekognition


@dataclass(frozen=True)
class Amazon:
    """Rekognition, and Bedrock's Titan for what Rekognition has no answer to."""

    rekognition: Rekognition
    titan: Titan

    def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> Answer:
        if detection is Detection.EMBEDDING:
            return self.titan.embed(key)
        return self.rekognition.ask(detection, key, thresholds)
