"""Makes the picture for the analysis, within Rekognition's limits."""

from dataclasses import replace

from PIL import Image

from services.resize.pictures.encode import encode, flatten
from services.resize.pictures.geometry import at_least, fit
from services.resize.pictures.scale import resize
from services.resize.pictures.values import Format, Rendition, Size, Spec

MIN_SIDE = 80
"""Pixels of the shorter side. Source: "Guidelines and quotas in Amazon Rekognition"."""

MAX_BYTES = 5_000_000
"""Rekognition's limit for a picture sent as bytes; for an S3 object it is 15 MB."""

NEUTRAL = (128, 128, 128)

ANALYSIS = Spec("analysis", 1600, Format.JPEG, 85)


def for_analysis(image: Image.Image, spec: Spec) -> Rendition:
    """A JPEG of at most 5 MB with no side below 80 pixels.

    A small picture is enlarged until its shorter side has 80 pixels, so that positions given as
    ratios are the same as in the original. If its longer side would then exceed the spec's, the
    picture is placed at the top left of a grey canvas. Only then do ratios refer to the canvas.
    """
    jpeg = replace(spec, format=Format.JPEG)
    small = resize(flatten(image), fit(Size(*image.size), spec.side))
    enlarged = resize(small, at_least(Size(*small.size), MIN_SIDE, max(spec.side, MIN_SIDE)))
    return _within_max_bytes(_on_canvas(enlarged), jpeg)


def _on_canvas(image: Image.Image) -> Image.Image:
    if min(image.size) >= MIN_SIDE:
        return image
    canvas = Image.new("RGB", (max(image.width, MIN_SIDE), max(image.height, MIN_SIDE)), NEUTRAL)
    canvas.paste(image)
    return canvas


def _within_max_bytes(image: Image.Image, spec: Spec) -> Rendition:
    """Encode the picture; reduce its sides by a quarter until the file is small enough."""
    rendition = encode(image, spec)
    while len(rendition.body) > MAX_BYTES:
        image = resize(image, fit(Size(*image.size), max(image.size) * 3 // 4))
        rendition = encode(image, spec)
    return rendition
