"""Encodes a picture as a file without metadata, except the lines of its credit."""

import io
from collections.abc import Mapping
from typing import Any

from PIL import (
    AvifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
    _webp,
)

from services.resize.pictures.credit import exif_of, metadata_options, xmp_of
from services.resize.pictures.values import Credit, Format, Rendition, Size, Spec

ENCODERS = (JpegImagePlugin, WebPImagePlugin, PngImagePlugin, AvifImagePlugin)
"""Importing registers them. Otherwise the first save would import all of Pillow's 45 plugins."""

EFFORT: Mapping[Format, Mapping[str, Any]] = {
    Format.JPEG: {},  # baseline: progressive is 5 % smaller for 6 times the CPU
    Format.WEBP: {"method": 2},  # method 4 is 10 % smaller for twice the CPU, 0 is 40 % larger
    Format.PNG: {"compress_level": 6},
    Format.AVIF: {"speed": 9},  # speed 8 takes 5 times the CPU
}

WHITE = (255, 255, 255)
NO_CREDIT = Credit()

KEY_FRAMES = 3, 5
"""The least and the largest distance of frames that do not depend on others, as gif2webp's."""

FLAGS_AT, HAS_ALPHA = 20, 0x10
"""libwebp omits this flag if only the area without pixels is transparent; some viewers need it."""

TRANSPARENT = 0
MINIMIZE = MIXED = LOSSLESS = VERBOSE = False


def encode(image: Image.Image, spec: Spec, credit: Credit = NO_CREDIT) -> Rendition:
    """Encode an L, RGB or RGBA picture; for JPEG, transparent pixels become white."""
    kind = _resolve(spec.format, image)
    body = io.BytesIO()
    opaque = flatten(image) if kind is Format.JPEG else image
    options = {**EFFORT[kind], **metadata_options(credit, kind)}
    opaque.save(body, kind, quality=spec.quality, **options)
    return Rendition(spec.name, kind, kind.content_type, image.width, image.height, body.getvalue())


class AnimatedWebP:
    """Encodes an animation frame by frame, so that only the encoded frames take memory."""

    def __init__(self, size: Size, quality: int, plays: int, credit: Credit = NO_CREDIT) -> None:
        self._size, self._quality, self._credit = size, quality, credit
        self._milliseconds = 0.0
        self._flags = 0
        self._encoder = _webp.WebPAnimEncoder(
            size, TRANSPARENT, plays, MINIMIZE, *KEY_FRAMES, MIXED, VERBOSE
        )

    def add(self, image: Image.Image, milliseconds: float) -> None:
        """Add an L, RGB or RGBA frame that is shown for this time."""
        frame = image.convert("RGB") if image.mode == "L" else image
        self._flags |= HAS_ALPHA if image.mode == "RGBA" else 0
        self._add(frame.getim())
        self._milliseconds += milliseconds

    def rendition(self) -> Rendition:
        """The file of all frames, without a name."""
        self._add(None)
        exif, xmp = exif_of(self._credit), xmp_of(self._credit).encode()
        metadata = ("", exif, xmp) if self._credit != NO_CREDIT else ("", "", "")
        body = bytearray(self._encoder.assemble(*metadata))
        if body[12:16] == b"VP8X":
            body[FLAGS_AT] |= self._flags
        return Rendition("", Format.WEBP, Format.WEBP.content_type, *self._size, bytes(body))

    def _add(self, frame: object) -> None:
        method = EFFORT[Format.WEBP]["method"]
        self._encoder.add(frame, round(self._milliseconds), LOSSLESS, self._quality, 100, method)


def flatten(image: Image.Image) -> Image.Image:
    """The picture on white, without transparency; itself if it has none."""
    if image.mode != "RGBA":
        return image
    background = Image.new("RGB", image.size, WHITE)
    background.paste(image, mask=image.getchannel("A"))
    return background


def _resolve(requested: Format, image: Image.Image) -> Format:
    if requested is not Format.AUTO:
        return requested
    return Format.WEBP if image.mode == "RGBA" else Format.JPEG
