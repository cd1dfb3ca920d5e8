"""What can be set about ``analyze``, and its defaults."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from services.analyze.logic import Detection, Thresholds
from shared.config import ServiceSettings


def read_words(words: object) -> object:
    """``labels faces`` as a tuple of words; commas do as well as spaces."""
    return tuple(words.replace(",", " ").split()) if isinstance(words, str) else words


class AnalyzeSettings(ServiceSettings):
    """The bucket, what Rekognition is asked, and how sure it has to be."""

    processed_bucket: str
    detect: Annotated[tuple[Detection, ...], BeforeValidator(read_words)] = tuple(Detection)
    max_labels: int = Field(default=10, ge=1, le=1000)
    min_confidence: float = Field(default=70.0, ge=0, le=100)

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(self.max_labels, self.min_confidence)
