"""Converts every colour mode of a file to L, RGB or RGBA in sRGB."""

import io
import math
from functools import lru_cache
from pathlib import Path
from typing import cast

from PIL import Image, ImageCms

SIXTEEN_TO_EIGHT = 1 / 257
"""65,535 becomes 255."""

ROUNDED = 0.5
"""Pillow truncates values to integers."""

GREY = frozenset({"1", "L", "LA", "La", "I;16", "I", "F"})

INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
BLACK_POINT = ImageCms.Flags.BLACKPOINTCOMPENSATION
"""Black becomes black. The perceptual intent would darken pictures with a table-based profile of
sRGB, because its black is that of a print."""

NO_FLAGS = ImageCms.Flags(0)

INKS = Path(__file__).parent / "profiles" / "chemical_proof.icc"
"""The profile of CMYK without one; profiles/NOTICE has its origin and licence. It is applied
without black point compensation, as libvips does."""


def shrinkable(image: Image.Image) -> Image.Image:
    """The picture as L, RGB, RGBA or CMYK, the modes that can be resampled.

    Profiles of L, RGB, RGBA and CMYK are left to ``to_srgb``, because it is cheaper for the reduced
    picture. Grey with transparency becomes RGBA, after its profile is applied and removed from
    ``info``. Transparency that is opaque everywhere is removed.
    """
    return _shrinkable_grey(image) if image.mode in GREY else _shrinkable_colour(image)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture as L, RGB or RGBA in sRGB.

    An RGB profile is applied to grey too, as Chromium does. Without a valid profile, CMYK has that
    of ``INKS``, and other pictures are taken as sRGB.
    """
    if profile:
        try:
            if image.mode == "L":
                return image.point(_tones(profile))
            return _transform(profile, image.mode, BLACK_POINT).apply(image)
        except ImageCms.PyCMSError:
            pass  # the profile is broken or belongs to another colour mode
    return _transform(_inks(), "CMYK").apply(image) if image.mode == "CMYK" else image


@lru_cache(maxsize=8)  # the same profiles recur; building a transform takes milliseconds
def _transform(
    profile: bytes, mode: str, flags: ImageCms.Flags = NO_FLAGS
) -> ImageCms.ImageCmsTransform:
    srgb = ImageCms.createProfile("sRGB")
    target = "RGBA" if mode == "RGBA" else "RGB"
    return ImageCms.buildTransform(io.BytesIO(profile), srgb, mode, target, INTENT, flags)


@lru_cache(maxsize=8)
def _tones(profile: bytes) -> list[int]:
    """The sRGB values of the 256 values of grey."""
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    try:
        tones = _transform(profile, "L", BLACK_POINT).apply(ramp)
    except ImageCms.PyCMSError:
        tones = _transform(profile, "RGB", BLACK_POINT).apply(ramp.convert("RGB"))
    return list(tones.getchannel("G").tobytes())


@lru_cache(maxsize=1)
def _inks() -> bytes:
    return INKS.read_bytes()


def _shrinkable_colour(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":
        image.info.pop("icc_profile", None)  # CIELAB needs none
        return lab_to_rgb(image)
    if image.has_transparency_data:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        return rgba.convert("RGB") if _is_opaque(rgba.getchannel("A")) else rgba
    return image if image.mode in {"RGB", "CMYK"} else image.convert("RGB")


def _shrinkable_grey(original: Image.Image) -> Image.Image:
    image = original.convert("LA") if original.mode == "La" else original
    alpha, grey = _alpha(image), _eight_bits(image)
    if alpha is None or _is_opaque(alpha):
        return grey
    rgba = to_srgb(grey, original.info.pop("icc_profile", None)).convert("RGB")
    rgba.putalpha(alpha)
    return rgba


def _is_opaque(alpha: Image.Image) -> bool:
    return alpha.getextrema() == (255, 255)


def _alpha(image: Image.Image) -> Image.Image | None:
    """The transparency of a grey picture: a channel, or one transparent value."""
    if image.mode == "LA":
        return image.getchannel("A")
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return None
    deep = image.mode == "I;16"
    table = [255] * (65536 if deep else 256)
    table[key] = 0
    return (image.convert("I") if deep else image.convert("L")).point(table, "L")


def _eight_bits(image: Image.Image) -> Image.Image:
    """A grey picture of any depth as L, without its transparency."""
    if image.mode in {"I", "F"}:
        return _stretched(image)
    if image.mode == "I;16":
        return to_grey(image, SIXTEEN_TO_EIGHT, ROUNDED)
    if image.mode == "LA":
        return image.getchannel("L")
    return image if image.mode == "L" else image.convert("L")


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
    return to_grey(image, 255 / span, -low * 255 / span)


def to_grey(image: Image.Image, factor: float, offset: float) -> Image.Image:
    """Grey of 8 bits; ``factor`` and ``offset`` map the values to 0 to 255."""
    return image.point(lambda value: value * factor + offset).convert("L")


def lab_to_rgb(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    exact = ImageCms.Flags.HIGHRESPRECALC
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB", INTENT, exact).apply(image)
