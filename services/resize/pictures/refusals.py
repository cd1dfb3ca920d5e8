"""The reasons to refuse an original: a code, and a sentence for the user."""

from enum import Enum

from shared.errors import Fault, PermanentError

SUPPORTED = "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF, HEIC or SVG"


class Refusal(Enum):
    """A stable code and a sentence. Words in braces are facts of the refusal."""

    EMPTY = "empty", "The file is empty."
    TOO_MANY_BYTES = (
        "too-many-bytes",
        "The file has {bytes:,} bytes; at most {limit:,} are permitted.",
    )
    NOT_AN_IMAGE = (
        "not-an-image",
        f"The content of the file is not a picture. Send {SUPPORTED}.",
    )
    UNSUPPORTED_FORMAT = (
        "unsupported-format",
        f"The picture is {{format}}, which is not supported. Send {SUPPORTED}.",
    )
    TOO_MANY_PIXELS = (
        "too-many-pixels",
        "The header declares more pixels than the {limit:,} that are permitted for {format}.",
    )
    TRUNCATED = (
        "truncated",
        "The file ends before its picture ({format}) does: {missing}. Send the whole file again.",
    )
    UNSUPPORTED_VARIANT = (
        "unsupported-variant",
        f"The picture is a {{variant}}, which is not supported. Send {SUPPORTED} of a usual kind.",
    )
    CORRUPT = "corrupt", "The file is damaged: it starts as {format} but cannot be decoded."
    TOO_COSTLY = (
        "too-costly",
        "Decoding the {format} was stopped: it exceeded its limits or crashed the decoder.",
    )

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence

    @classmethod
    def of(cls, code: str) -> "Refusal":
        """The refusal with that code."""
        return next(refusal for refusal in cls if refusal.code == code)


def refuse(refusal: Refusal, **facts: object) -> PermanentError:
    """The error to raise. ``facts`` fill in the sentence and are logged with the error."""
    sentence = refusal.sentence.format(**facts)
    return PermanentError(refusal.code, sentence, fault=Fault.CLIENT, **facts)
