"""Draws a text or an image over renditions."""

import io
from functools import lru_cache

from PIL import Image, PngImagePlugin

from services.resize.pictures.geometry import scaled
from services.resize.pictures.scale import resize
from services.resize.pictures.values import Position, Size, Watermark

TEXT_SIZE = 192
"""Pixels of the font from which each text is scaled down."""

OUTLINE = 8
"""Pixels of the black line around the white text, which shows on every background."""

MARGIN = 0.02
"""Of the shorter side, between the watermark and the border."""

MAX_IMAGE_SIDE = 2000
"""Pixels of a watermark's image. It is stored in memory while the function runs."""


def watermarked(image: Image.Image, watermark: Watermark | None) -> Image.Image:
    """The picture with the watermark over it. A small picture has none; then it is the same object.

    The picture is L, RGB or RGBA; a marked one is RGB or RGBA.
    """
    if watermark is None or min(image.size) < watermark.min_side:
        return image
    mark = _scaled_mark(watermark, Size(*image.size))
    left, top = _corner(Size(*image.size), Size(*mark.size), watermark.position)
    if image.mode == "RGBA":
        marked = image.copy()
        marked.alpha_composite(mark, (left, top))
        return marked
    marked = image.copy() if image.mode == "RGB" else image.convert("RGB")
    marked.paste(mark, (left, top), mask=mark)
    return marked


def _corner(size: Size, mark: Size, position: Position) -> tuple[int, int]:
    """The left and top of the watermark."""
    margin = round(MARGIN * min(size))
    free = size.width - mark.width, size.height - mark.height
    left, top = (max(0, min(margin, space // 2)) for space in free)
    right, bottom = free[0] - left, free[1] - top
    return {
        Position.TOP_LEFT: (left, top),
        Position.TOP_RIGHT: (right, top),
        Position.BOTTOM_LEFT: (left, bottom),
        Position.BOTTOM_RIGHT: (right, bottom),
        Position.CENTER: (free[0] // 2, free[1] // 2),
    }[position]


@lru_cache(maxsize=16)
def _scaled_mark(watermark: Watermark, size: Size) -> Image.Image:
    """The watermark for pictures of this size. It takes the same share of width and height."""
    mark = _mark(watermark)
    within = watermark.share * size.width / mark.width, watermark.share * size.height / mark.height
    return resize(mark, scaled(Size(*mark.size), min(1.0, *within)))


@lru_cache(maxsize=1)
def _mark(watermark: Watermark) -> Image.Image:
    """The watermark in its own size, as RGBA with its opacity."""
    mark = read_image(watermark.image) if watermark.image else _text(watermark.text)
    mark.putalpha(mark.getchannel("A").point(lambda alpha: round(alpha * watermark.opacity)))
    return mark


def read_image(png: bytes) -> Image.Image:
    """The PNG as RGBA. Raises ValueError or OSError if it is invalid or empty."""
    image = PngImagePlugin.PngImageFile(io.BytesIO(png))
    if max(image.size) > MAX_IMAGE_SIDE:
        raise ValueError(f"a side of it has more than {MAX_IMAGE_SIDE:,} pixels")
    return image.convert("RGBA")


def _text(text: str) -> Image.Image:
    """The text in white with a black outline."""
    from PIL import ImageDraw, ImageFont  # noqa: PLC0415 - most stages need neither

    font = ImageFont.load_default(TEXT_SIZE)
    left, top, right, bottom = font.getbbox(text, stroke_width=OUTLINE)
    image = Image.new("RGBA", (round(right - left), round(bottom - top)))
    ImageDraw.Draw(image).text(
        (-left, -top), text, "white", font, stroke_width=OUTLINE, stroke_fill="black"
    )
    return image


def missing_glyphs(text: str) -> str:
    """The characters that Pillow's font lacks. It has ASCII, ©, ™ and a few others."""
    from PIL import ImageFont  # noqa: PLC0415 - as above

    font = ImageFont.load_default(TEXT_SIZE)
    unknown = bytes(font.getmask("\N{NULL}"))
    return "".join(c for c in dict.fromkeys(text) if bytes(font.getmask(c)) == unknown)
