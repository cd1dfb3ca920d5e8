"""What goes into the picture work and what comes out of it: values, and nothing that acts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Size(NamedTuple):
    """Width and height in pixels; a tuple, because that is what Pillow takes and gives."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


class Format(StrEnum):
    """What a rendition is encoded as. AUTO is JPEG, or WebP where there is transparency to keep."""

    AUTO = "AUTO"
    JPEG = "JPEG"
    WEBP = "WEBP"
    PNG = "PNG"
    AVIF = "AVIF"

    @property
    def content_type(self) -> str:
        """The media type of a body in this format. AUTO has none: it is a choice, not a format."""
        if self is Format.AUTO:
            raise ValueError("AUTO is resolved to a format before it has a content type")
        return f"image/{self.lower()}"


@dataclass(frozen=True)
class Spec:
    """One rendition wanted: at most ``side`` pixels on the longer side, ``quality`` from 1 to 100.

    PNG is lossless and takes no notice of the quality.
    """

    name: str
    side: int
    format: Format = Format.AUTO
    quality: int = 82

    def __post_init__(self) -> None:
        if not 1 <= self.side <= MAX_SIDE:
            raise ValueError(f"{self.name}: a side is 1 to {MAX_SIDE:,} pixels, not {self.side:,}")
        if not 1 <= self.quality <= 100:  # noqa: PLR2004 - the scale all encoders share
            raise ValueError(f"{self.name}: a quality is 1 to 100, not {self.quality}")


MAX_SIDE = 10_000
"""Pixels. Rekognition takes no longer side, and WebP ends at 16,383."""


@dataclass(frozen=True)
class Limits:
    """What an original may be, decided from its header, before anything is decoded.

    ``bytes``: the file's length.
    ``pixels``: width times height of the first frame or page, whatever the format.
    ``memory``: bytes that decoding and the first shrink may take, by the measured cost of a pixel
    in each format (``header.BYTES_A_PIXEL``); it lowers ``pixels`` for the formats that cost more.
    The default fits a function of 1,769 MB with room for interpreter, libraries and the original.
    ``seconds``: how long decoding may take by the clock, where a child process does it.
    """

    bytes: int = 64 * 1024**2
    pixels: int = 100_000_000
    memory: int = 1_200_000_000
    seconds: float = 8.0


@dataclass(frozen=True)
class Rendition:
    """One picture made: ``body`` is the file, ``format`` what it is encoded as (never AUTO)."""

    name: str
    format: Format
    content_type: str
    width: int
    height: int
    body: bytes


@dataclass(frozen=True)
class Capture:
    """When and with what, as far as the file says; both None when it does not.

    ``at``: ISO 8601 in the camera's local time, with the offset only if the file has one.
    ``camera``: maker and model.
    """

    at: str | None = None
    camera: str | None = None


@dataclass(frozen=True)
class Fingerprint:
    """What a picture looks like: ``hash`` is 64 bits as hex."""

    hash: str


@dataclass(frozen=True)
class Developed:
    """All that came of one original.

    ``format``: of the original, by its content: JPEG, PNG, WEBP, GIF, TIFF, BMP, AVIF or HEIC.
    ``width``, ``height``: of the original as a viewer shows it, orientation applied.
    ``gps_removed``: the original said where it was taken; nothing made from it does.
    ``renditions``: in the order asked for.
    """

    format: str
    width: int
    height: int
    captured: Capture
    gps_removed: bool
    renditions: tuple[Rendition, ...]
    analysis: Rendition
    fingerprint: Fingerprint
