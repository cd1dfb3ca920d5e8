"""The settings of ``analyze`` and their defaults."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from services.analyze.logic import AnalysisRequest, Analyzer, Detection, Thresholds
from shared.config import ServiceSettings

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


def read_words(text: object) -> object:
    """``labels faces`` as a tuple of unique words. Commas separate as well as spaces."""
    if not isinstance(text, str):
        return text
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


class AnalyzeSettings(ServiceSettings):
    """The bucket, the analyzer, the detections and their thresholds, and reuse."""

    processed_bucket: str
    analyzer: Analyzer = Analyzer.REKOGNITION
    detect: Annotated[tuple[Detection, ...], BeforeValidator(read_words)] = tuple(
        detection for detection in Detection if detection is not Detection.EMBEDDING
    )
    """Others are neither requested, stored nor published. Leave out ``faces`` for privacy.

    Embeddings are opt-in: not every region has Bedrock's model, and not every account has access.
    """
    max_labels: int = Field(default=10, ge=1, le=1000)
    min_confidence_labels: Percent = 70.0
    min_confidence_faces: Percent = 70.0
    min_confidence_text: Percent = 70.0
    min_confidence_moderation: Percent = 70.0
    reuse: bool = True
    """Whether the same content with the same request is paid for only once."""

    @property
    def request(self) -> AnalysisRequest:
        thresholds = Thresholds(
            max_labels=self.max_labels,
            labels=self.min_confidence_labels,
            faces=self.min_confidence_faces,
            text=self.min_confidence_text,
            moderation=self.min_confidence_moderation,
        )
        return AnalysisRequest(self.analyzer, self.detect, thresholds)
