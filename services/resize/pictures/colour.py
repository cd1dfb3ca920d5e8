"""Converts every colour mode of a file to L, RGB or RGBA in sRGB."""

import io
import math
from functools import lru_cache
from typing import cast

from PIL import Image, ImageCms

SIXTEEN_TO_EIGHT = 1 / 257
"""65,535 becomes 255."""


def shrinkable(image: Image.Image) -> Image.Image:
    """The picture as L, RGB, RGBA or CMYK, the modes that can be resampled.

    CMYK stays CMYK, because applying its profile to the reduced picture is cheaper. RGBA without
    any transparency becomes RGB.
    """
    return _without_opaque_alpha(_to_working_mode(image))


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture as L, RGB or RGBA in sRGB; without a valid profile it is taken as sRGB."""
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            transform = _transform(profile, image.mode, target)
            return transform.apply(image)
        except ImageCms.PyCMSError:
            pass  # the profile is broken or belongs to another colour mode
    return image.convert("RGB") if image.mode == "CMYK" else image


@lru_cache(maxsize=8)  # the same profiles recur; building a transform takes milliseconds
def _transform(profile: bytes, source: str, target: str) -> ImageCms.ImageCmsTransform:
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(io.BytesIO(profile), srgb, source, target)


def _to_working_mode(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return _to_grey(image, SIXTEEN_TO_EIGHT, 0)
    if image.mode in {"I", "F"}:
        return _stretched(image)
    if image.mode == "LAB":
        return _lab_to_rgb(image)
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in {"1", "L"}:
        return image if image.mode == "L" else image.convert("L")
    return image if image.mode in {"RGB", "CMYK"} else image.convert("RGB")


def _without_opaque_alpha(image: Image.Image) -> Image.Image:
    """Convert RGBA without any transparency, such as screenshots, to RGB."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image


def _stretched(image: Image.Image) -> Image.Image:
    """32-bit and float grey as 8 bits.

    Float values between 0 and 1 mean black to white, by convention. Any other range is stretched.
    """
    low, high = cast("tuple[float, float]", image.getextrema())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("a brightness must be a finite number")
    if image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0, 1
    span = high - low or 1
    return _to_grey(image, 255 / span, -low * 255 / span)


def _to_grey(image: Image.Image, factor: float, offset: float) -> Image.Image:
    """Grey of 8 bits; ``factor`` and ``offset`` map the values to 0 to 255."""
    return image.point(lambda value: value * factor + offset).convert("L")


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB").apply(image)
