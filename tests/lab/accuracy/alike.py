"""What befalls a photo that is to be found again, and how alike the pipeline calls two pictures."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps
from shared.likeness import look_bands

from services.analyze.logic import Detection, Thresholds, summarize
from shared.contracts.images import Embedding

Change = Callable[[Image.Image], Image.Image]

LENGTH = 256
"""Numbers of an embedding, as ``analyze`` asks for them."""


def embedded(answer: Mapping[str, Any]) -> Embedding:
    """The answer as it travels, rounded to bytes."""
    vector = summarize({Detection.EMBEDDING: answer}, Thresholds()).embedding
    assert vector
    return Embedding(model="local", vector=vector)


def share_a_list(one: Embedding, other: Embedding) -> bool:
    return any(a == b for a, b in zip(look_bands(one), look_bands(other), strict=True))


def changed(photo: bytes, change: Change) -> bytes:
    file = BytesIO()
    change(Image.open(BytesIO(photo)).convert("RGB")).save(file, "JPEG", quality=90)
    return file.getvalue()


def _part(share: float, across: float = 0.5, down: float = 0.5) -> Change:
    """So much of each side, from the left and the top by so much of what is left over (0-1)."""

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


def _turned(image: Image.Image) -> Image.Image:
    """By 5 degrees, without the empty corners that come of it."""
    return _part(0.9)(image.rotate(5, Image.Resampling.BICUBIC))


CHANGES: dict[str, Change] = {
    "at half the size": _smaller,
    "at JPEG quality 30": _compressed,
    "without colour": _grey,
    "mirrored": ImageOps.mirror,
    "turned by 5 degrees": _turned,
    "the middle 80 %": _part(0.8),
    "the top left 80 %": _part(0.8, 0, 0),
    "the bottom right 80 %": _part(0.8, 1, 1),
    "the middle 60 %": _part(0.6),
}
"""Parts are of each side, not of the surface."""
