"""The inputs and results of image processing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Size(NamedTuple):
    """Width and height in pixels; a tuple, like Pillow's sizes."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


class Format(StrEnum):
    """The format of a rendition. AUTO is WebP for pictures with transparency, otherwise JPEG."""

    AUTO = "AUTO"
    JPEG = "JPEG"
    WEBP = "WEBP"
    PNG = "PNG"
    AVIF = "AVIF"

    @property
    def content_type(self) -> str:
        """The media type. Raises ValueError for AUTO, which must be resolved to a format first."""
        if self is Format.AUTO:
            raise ValueError("AUTO is resolved to a format before it has a content type")
        return f"image/{self.lower()}"


class Fill(StrEnum):
    """How a picture fills the box of its rendition. It is never enlarged."""

    FIT = "fit"
    """The whole picture, within the box."""
    COVER = "cover"
    """The largest part with the box's proportions, around the focal point."""


class Position(StrEnum):
    """Where a watermark is."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"
    CENTER = "center"


@dataclass(frozen=True)
class Watermark:
    """A text, or an image as PNG, that is drawn over a rendition.

    ``share``: at most this part of the rendition's width and of its height. ``min_side``: pixels;
    a rendition with a shorter side below it has none.
    """

    text: str = ""
    image: bytes = b""
    position: Position = Position.BOTTOM_RIGHT
    opacity: float = 0.5
    share: float = 0.25
    min_side: int = 400


@dataclass(frozen=True)
class Spec:
    """A requested rendition: its box in pixels, and ``quality`` from 1 to 100.

    ``side``: the width of the box. ``height``: its height; None: a square box.
    PNG is lossless and ignores the quality.
    """

    name: str
    side: int
    format: Format = Format.AUTO
    quality: int = 82
    height: int | None = None
    fill: Fill = Fill.FIT
    watermark: Watermark | None = None
    animated: bool = False
    """Whether an animation becomes an animated WebP; in AUTO and WEBP only."""

    @property
    def box(self) -> Size:
        return Size(self.side, self.height or self.side)

    def __post_init__(self) -> None:
        for side in (self.side, self.side if self.height is None else self.height):
            if not 1 <= side <= MAX_SIDE:
                raise ValueError(f"{self.name}: a side is 1 to {MAX_SIDE:,} pixels, not {side:,}")
        if not 1 <= self.quality <= 100:  # noqa: PLR2004 - the scale all encoders share
            raise ValueError(f"{self.name}: a quality is 1 to 100, not {self.quality}")


MAX_SIDE = 10_000
"""Pixels: Rekognition's limit. WebP's limit is 16,383."""


@dataclass(frozen=True)
class Limits:
    """The limits of an original, checked by its header before decoding.

    ``bytes``: the file's size.
    ``pixels``: width times height of the first frame or page, for every format.
    ``memory``: bytes for decoding and the first reduction, by the measured cost of a pixel in each
    format (``header.BYTES_A_PIXEL``). It lowers ``pixels`` for expensive formats. The default fits
    a function of 1,769 MB together with the interpreter, the libraries and the original.
    ``seconds``: wall-clock time for decoding in a child process.
    ``animation_pixels``: frames times pixels, of the original and of all animated renditions
    together; also the pixels that are decoded in search of a still.
    """

    bytes: int = 64 * 1024**2
    pixels: int = 120_000_000
    memory: int = 1_200_000_000
    seconds: float = 8.0
    animation_pixels: int = 60_000_000


@dataclass(frozen=True)
class Rendition:
    """An encoded rendition. ``body`` is the file; ``format`` is never AUTO."""

    name: str
    format: Format
    content_type: str
    width: int
    height: int
    body: bytes


@dataclass(frozen=True)
class Capture:
    """Time and camera of the photo, if the file has them.

    ``at``: ISO 8601 in the camera's local time, with the offset only if the file has one.
    ``camera``: maker and model.
    """

    at: str | None = None
    camera: str | None = None


@dataclass(frozen=True)
class Credit:
    """Who made the picture, and who has its rights. Empty lines are not in the file."""

    creator: str = ""
    copyright: str = ""
    credit: str = ""


class MetadataPolicy(StrEnum):
    """The metadata of renditions: none, or the lines of ``Credit``."""

    STRIP = "strip"
    COPYRIGHT = "copyright"


@dataclass(frozen=True)
class FocalPoint:
    """The point that a crop shows, as ratios of the upright picture's sides."""

    x: float
    y: float


@dataclass(frozen=True)
class PictureDetails:
    """What the original's file has beside its pixels, as ``contracts.images`` describes it."""

    hdr: bool = False
    gain_map: bool = False
    animated: bool = False
    frames: int = 1
    duration: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placeholder:
    """A ThumbHash as base64, and a colour as ``#rrggbb``."""

    thumb_hash: str
    average_colour: str


@dataclass(frozen=True)
class Fingerprint:
    """A perceptual fingerprint. ``hash`` is 64 bits in hexadecimal."""

    hash: str


@dataclass(frozen=True)
class Job:
    """What to create from an original.

    ``focal``: what cropped renditions show, in the upright picture; None: what ``attention`` finds.
    ``metadata``: what renditions contain of the original's metadata.
    """

    specs: Sequence[Spec]
    limits: Limits
    focal: FocalPoint | None = None
    metadata: MetadataPolicy = MetadataPolicy.STRIP


@dataclass(frozen=True)
class Developed:
    """The results of processing an original.

    ``format``: the original's, by its content: JPEG, PNG, WEBP, GIF, TIFF, BMP, AVIF, HEIC or SVG.
    ``width``, ``height``: the original's, with its orientation applied.
    ``gps_removed``: the original has a GPS position; the renditions have none.
    ``renditions``: in the order of the specs.
    """

    format: str
    width: int
    height: int
    captured: Capture
    gps_removed: bool
    details: PictureDetails
    renditions: tuple[Rendition, ...]
    analysis: Rendition
    fingerprint: Fingerprint
    placeholder: Placeholder | None
