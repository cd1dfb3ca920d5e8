"""Drawn landscapes as test pictures; the same seed always gives the same one."""

import colorsys
import functools
import io
import math
import random

from PIL import Image, ImageDraw, ImageFilter

HILLS = 5
NEAREST = 0.25
"""Lightness of the nearest hill. Farther hills are lighter."""


@functools.cache
def drawn(width: int, height: int, seed: int) -> bytes:
    """A JPEG of sky, sun and hills."""
    generator = random.Random(seed)
    hue = generator.random()
    picture = _sky(width, height, hue)
    draw = ImageDraw.Draw(picture)
    x, y, r = width * 0.7, height * 0.18, min(width, height) * 0.08
    draw.ellipse((x - r, y - r, x + r, y + r), fill=_colour(hue + 0.08, 0.25, 1.0))
    for n in range(HILLS):
        _hill(draw, picture.size, n, hue, generator)
    jpeg = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(0.6)).save(jpeg, "JPEG", quality=88)
    return jpeg.getvalue()


def _sky(width: int, height: int, hue: float) -> Image.Image:
    column = Image.new("RGB", (1, 2))
    column.putpixel((0, 0), _colour(hue + 0.55, 0.45, 0.75))
    column.putpixel((0, 1), _colour(hue + 0.05, 0.35, 0.98))
    return column.resize((width, height), Image.Resampling.BILINEAR)


def _hill(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], n: int, hue: float, generator: random.Random
) -> None:
    width, height = size
    base, phase = height * (0.4 + 0.12 * n), generator.random() * 6
    waves = [(generator.uniform(1, 4) * (n + 1), generator.uniform(0.02, 0.06)) for _ in range(3)]
    ridge = [
        (x, base - height * sum(a * math.sin(phase + f * x / width * 3) for f, a in waves))
        for x in range(0, width + 8, 8)
    ]
    light = NEAREST + 0.55 * (1 - n / HILLS)
    draw.polygon([*ridge, (width, height), (0, height)], fill=_colour(hue + 0.5, 0.4, light))


def _colour(hue: float, saturation: float, light: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, light)
    return round(red * 255), round(green * 255), round(blue * 255)
