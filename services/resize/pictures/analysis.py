"""The one picture for the analysis, within the limits that Rekognition states."""

from dataclasses import replace

from PIL import Image

from services.resize.pictures.encode import encode, flatten
from services.resize.pictures.geometry import at_least, fit
from services.resize.pictures.scale import resize
from services.resize.pictures.values import Format, Rendition, Size, Spec

SHORTEST = 80
"""Pixels of the shorter side. Source: "Guidelines and quotas in Amazon Rekognition"."""

MOST_BYTES = 5_000_000
"""5 MB is the limit for a picture sent as bytes; by S3 reference it would be 15 MB."""

NEUTRAL = (128, 128, 128)

ANALYSIS = Spec("analysis", 1600, Format.JPEG, 85)


def for_analysis(image: Image.Image, spec: Spec) -> Rendition:
    """A JPEG of at most 5 MB with no side below 80 pixels, however small or thin the picture.

    A small picture is enlarged until its shorter side has 80 pixels, so that places in it,
    given in fractions, are the same as in the original. One so thin that its longer side would
    pass the spec's is put at the top left of a grey canvas instead: there alone the fractions are
    those of the canvas.
    """
    wanted = replace(spec, format=Format.JPEG)
    small = resize(flatten(image), fit(Size(*image.size), spec.side))
    enlarged = resize(small, at_least(Size(*small.size), SHORTEST, max(spec.side, SHORTEST)))
    return _light_enough(_on_canvas(enlarged), wanted)


def _on_canvas(image: Image.Image) -> Image.Image:
    if min(image.size) >= SHORTEST:
        return image
    canvas = Image.new("RGB", (max(image.width, SHORTEST), max(image.height, SHORTEST)), NEUTRAL)
    canvas.paste(image)
    return canvas


def _light_enough(image: Image.Image, spec: Spec) -> Rendition:
    """Encode it, a quarter smaller again and again while it is too heavy."""
    made = encode(image, spec)
    while len(made.body) > MOST_BYTES:
        image = resize(image, fit(Size(*image.size), max(image.size) * 3 // 4))
        made = encode(image, spec)
    return made
