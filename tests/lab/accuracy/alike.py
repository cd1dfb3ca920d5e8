"""Modified versions of a photo, and the pipeline's measures of similarity."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps

from services.analyze.logic import Detection, Thresholds, summarize
from shared.contracts.images import Embedding
from shared.similarity import embedding_bands

Change = Callable[[Image.Image], Image.Image]

LENGTH = 256
"""The length of an embedding, as in ``analyze``'s requests."""


def embedded(response: Mapping[str, Any]) -> Embedding:
    """The embedding as the pipeline's events carry it, rounded to bytes."""
    vector = summarize({Detection.EMBEDDING: response}, Thresholds()).embedding
    assert vector
    return Embedding(model="local", vector=vector)


def share_a_band(first: Embedding, second: Embedding) -> bool:
    """Whether the search index finds one by the other: they have a band in common."""
    bands = zip(embedding_bands(first), embedding_bands(second), strict=True)
    return any(a == b for a, b in bands)


def changed(photo: bytes, change: Change) -> bytes:
    """The changed photo as JPEG, quality 90."""
    file = BytesIO()
    change(Image.open(BytesIO(photo)).convert("RGB")).save(file, "JPEG", quality=90)
    return file.getvalue()


def _part(share: float, across: float = 0.5, down: float = 0.5) -> Change:
    """A crop of `share` of each side. `across` and `down` (0 to 1) place it."""

    def part(image: Image.Image) -> Image.Image:
        width, height = share * image.width, share * image.height
        left, top = across * (image.width - width), down * (image.height - height)
        return image.crop((round(left), round(top), round(left + width), round(top + height)))

    return part


def _smaller(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)


def _compressed(image: Image.Image) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=30)
    return Image.open(file)


def _grey(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


def _rotated(image: Image.Image) -> Image.Image:
    """Rotated by 5 degrees and cropped, so that no empty corners remain."""
    return _part(0.9)(image.rotate(5, Image.Resampling.BICUBIC))


CHANGES: dict[str, Change] = {
    "at half the size": _smaller,
    "at JPEG quality 30": _compressed,
    "without colour": _grey,
    "mirrored": ImageOps.mirror,
    "rotated by 5 degrees": _rotated,
    "cropped to the middle 80 %": _part(0.8),
    "cropped to the top left 80 %": _part(0.8, 0, 0),
    "cropped to the bottom right 80 %": _part(0.8, 1, 1),
    "cropped to the middle 60 %": _part(0.6),
}
"""Percentages refer to each side, not to the area."""
