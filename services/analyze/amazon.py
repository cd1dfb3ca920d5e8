"""Which of Amazon's services answers each detection."""

from dataclasses import dataclass

from services.analyze.bedrock import Titan
from services.analyze.logic import Answer, Detection, Thresholds
from services.analyze.rekognition import Rekognition


@dataclass(frozen=True)
class Amazon:
    """Rekognition; Bedrock's Titan for embeddings."""

    rekognition: Rekognition
    titan: Titan

    def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> Answer:
        if detection is Detection.EMBEDDING:
            return self.titan.embed(key)
        return self.rekognition.ask(detection, key, thresholds)
