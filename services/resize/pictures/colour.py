"""Colours: every mode that a file may have becomes L, RGB or RGBA in sRGB."""

import io
import math
from functools import lru_cache
from typing import cast

from PIL import Image, ImageCms

SIXTEEN_TO_EIGHT = 1 / 257
"""65,535 becomes 255."""


def shrinkable(image: Image.Image) -> Image.Image:
    """The picture as L, RGB, RGBA or CMYK: what can be resampled without mixing up meanings.

    CMYK stays, because its profile is cheaper to apply to the small picture. RGBA only where
    something does show through.
    """
    return _without_idle_alpha(_to_working_mode(image))


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture as L, RGB or RGBA in sRGB; a missing or broken profile means sRGB already."""
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            transform = _transform(profile, image.mode, target)
            return transform.apply(image)
        except ImageCms.PyCMSError:
            pass  # broken, or made for another kind of picture than this
    return image.convert("RGB") if image.mode == "CMYK" else image


@lru_cache(maxsize=8)  # cameras and editors come back; building one takes milliseconds
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


def _without_idle_alpha(image: Image.Image) -> Image.Image:
    """Screenshots carry an alpha channel that hides nothing: they are plain RGB."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image


def _stretched(image: Image.Image) -> Image.Image:
    """32-bit and float grey: 0 to 1 is black to white by custom; any other range is stretched."""
    low, high = cast("tuple[float, float]", image.getextrema())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("not a number, or infinite, is no brightness")
    if image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0, 1
    span = high - low or 1
    return _to_grey(image, 255 / span, -low * 255 / span)


def _to_grey(image: Image.Image, factor: float, offset: float) -> Image.Image:
    """``factor`` and ``offset`` bring the values to 0 to 255."""
    return image.point(lambda value: value * factor + offset).convert("L")


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB").apply(image)
