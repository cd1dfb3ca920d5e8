"""Every reason for which an original is refused: its code, and the sentence a person reads."""

from enum import Enum

from shared.errors import Fault, PermanentError

SUPPORTED = "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or HEIC"


class Refusal(Enum):
    """A stable code and a sentence; words in braces are facts given with the refusal."""

    EMPTY = "empty", "The file is empty."
    TOO_MANY_BYTES = "too-many-bytes", "The file has {bytes:,} bytes; at most {limit:,} are taken."
    NOT_AN_IMAGE = (
        "not-an-image",
        f"The content is not a picture, whatever its name says. Send {SUPPORTED}.",
    )
    UNSUPPORTED_FORMAT = (
        "unsupported-format",
        f"The picture is {{format}}, which is not supported. Send {SUPPORTED}.",
    )
    TOO_MANY_PIXELS = (
        "too-many-pixels",
        "The header tells of more pixels than the {limit:,} that are taken of this {format}.",
    )
    TRUNCATED = (
        "truncated",
        "The file ends before the picture ({format}) does: send it again, whole.",
    )
    CORRUPT = "corrupt", "The file is damaged: it begins as {format}, but cannot be decoded."
    TOO_COSTLY = (
        "too-costly",
        "Decoding the {format} was stopped: it took more than it is given, or broke the decoder.",
    )

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence

    @classmethod
    def of(cls, code: str) -> "Refusal":
        """The refusal with that code."""
        return next(refusal for refusal in cls if refusal.code == code)


def refuse(refusal: Refusal, **facts: object) -> PermanentError:
    """The error to raise; ``facts`` fill the sentence and go with the error to the log."""
    sentence = refusal.sentence.format(**facts)
    return PermanentError(refusal.code, sentence, fault=Fault.CLIENT, **facts)
