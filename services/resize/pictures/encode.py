"""Encodes a picture as a file without metadata, except the lines of its credit."""

import io
from collections.abc import Mapping
from typing import Any

from PIL import AvifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from services.resize.pictures.credit import metadata_options
from services.resize.pictures.values import Credit, Format, Rendition, Spec

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


def encode(image: Image.Image, spec: Spec, credit: Credit = NO_CREDIT) -> Rendition:
    """Encode an L, RGB or RGBA picture; for JPEG, transparent pixels become white."""
    kind = _resolve(spec.format, image)
    body = io.BytesIO()
    opaque = flatten(image) if kind is Format.JPEG else image
    options = {**EFFORT[kind], **metadata_options(credit, kind)}
    opaque.save(body, kind, quality=spec.quality, **options)
    return Rendition(spec.name, kind, kind.content_type, image.width, image.height, body.getvalue())


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
