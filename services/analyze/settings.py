"""What can be set about ``analyze``, and its defaults."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from services.analyze.logic import Analyzer, Detection, Question, Thresholds
from shared.config import ServiceSettings

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


def read_words(words: object) -> object:
    """``labels faces`` as a tuple of words, each once; commas do as well as spaces."""
    if not isinstance(words, str):
        return words
    return tuple(dict.fromkeys(words.replace(",", " ").split()))


class AnalyzeSettings(ServiceSettings):
    """The bucket, who is asked for what, how sure it has to be, and whether answers are reused."""

    processed_bucket: str
    analyzer: Analyzer = Analyzer.REKOGNITION
    detect: Annotated[tuple[Detection, ...], BeforeValidator(read_words)] = tuple(
        one for one in Detection if one is not Detection.EMBEDDING
    )
    """What is left out is neither asked, nor kept, nor told; ``faces`` is the one for privacy.

    An embedding has to be asked for by name: not every region has Bedrock's model, and not every
    account access to it.
    """
    max_labels: int = Field(default=10, ge=1, le=1000)
    min_confidence_labels: Percent = 70.0
    min_confidence_faces: Percent = 70.0
    min_confidence_text: Percent = 70.0
    min_confidence_moderation: Percent = 70.0
    reuse: bool = True
    """Whether the same content, asked the same way, is paid for once only."""

    @property
    def question(self) -> Question:
        thresholds = Thresholds(
            max_labels=self.max_labels,
            labels=self.min_confidence_labels,
            faces=self.min_confidence_faces,
            text=self.min_confidence_text,
            moderation=self.min_confidence_moderation,
        )
        return Question(self.analyzer, self.detect, thresholds)
