"""Finds the point of a picture that people look at first, without a model. It takes about 2 ms.

As in libvips' ``smartcrop``, it is where edges, the colour of skin and saturated colours add up to
most. Skin and saturation are measured as in smartcrop.js (https://github.com/jwagner/smartcrop.js,
MIT). All measures are from 0 to 1.
"""

from collections.abc import Iterator, Sequence
from math import sqrt

from PIL import Image

from services.resize.pictures.encode import flatten
from services.resize.pictures.geometry import fit
from services.resize.pictures.values import FocalPoint, Size

SIDE = 32
"""Pixels of the longer side, as in libvips' ``smartcrop``."""

BLUR = 2
"""Radius in these pixels. It joins the scores of one subject."""

SKIN = (0.78, 0.57, 0.44)
"""Red, green and blue of skin, as a direction."""
SKIN_THRESHOLD = 0.8
SKIN_BRIGHTNESS = 0.2
"""Darker pixels are no skin."""

SATURATION_THRESHOLD = 0.4
SATURATION_BRIGHTNESS = (0.05, 0.9)

SKIN_WEIGHT, SATURATION_WEIGHT = 3.0, 0.5
"""That of edges is 1. Skin counts more than any colour, and a colour more than a faint edge."""

Pixel = tuple[float, float, float]


def attention(image: Image.Image) -> FocalPoint:
    """The point with the highest score; the centre of a picture without any."""
    size = fit(Size(*image.size), SIDE)
    small = image.resize(size, Image.Resampling.BOX, reducing_gap=2)
    data = flatten(small).convert("RGB").tobytes()
    channels = [[value / 255 for value in data[band::3]] for band in range(3)]
    pixels = list(zip(*channels, strict=True))
    scores = [
        edge + SKIN_WEIGHT * _skin(pixel) + SATURATION_WEIGHT * _saturation(pixel)
        for pixel, edge in zip(pixels, _edges(pixels, size.width), strict=True)
    ]
    return _highest(scores, size)


def _edges(pixels: Sequence[Pixel], width: int) -> Iterator[float]:
    """How far each pixel's luma is from that of its four neighbours; 0 at the border."""
    luma = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in pixels]
    last_row = len(luma) - width
    for at, own in enumerate(luma):
        if width <= at < last_row and 0 < at % width < width - 1:
            around = luma[at - 1] + luma[at + 1] + luma[at - width] + luma[at + width]
            yield min(1.0, abs(4 * own - around))
        else:
            yield 0.0


def _skin(pixel: Pixel) -> float:
    red, green, blue = pixel
    if blue >= red or max(pixel) < SKIN_BRIGHTNESS:  # the first is faster, and is never near skin
        return 0.0
    length = sqrt(red * red + green * green + blue * blue)
    r, g, b = red / length - SKIN[0], green / length - SKIN[1], blue / length - SKIN[2]
    return _above(1 - sqrt(r * r + g * g + b * b), SKIN_THRESHOLD)


def _saturation(pixel: Pixel) -> float:
    """The saturation of HSL."""
    low, high = min(pixel), max(pixel)
    lightness = (low + high) / 2
    least, most = SATURATION_BRIGHTNESS
    if low == high or not least <= lightness <= most:
        return 0.0
    return _above((high - low) / (1 - abs(2 * lightness - 1)), SATURATION_THRESHOLD)


def _above(value: float, threshold: float) -> float:
    return (value - threshold) / (1 - threshold) if value > threshold else 0.0


def _highest(scores: Sequence[float], size: Size) -> FocalPoint:
    """The highest score after blurring; of equal ones, that nearest to the centre."""
    from PIL import ImageFilter  # noqa: PLC0415 - only stages with crops need it

    most = max(scores) or 1.0
    grey = Image.frombytes("L", size, bytes(round(255 * score / most) for score in scores))
    blurred = grey.filter(ImageFilter.GaussianBlur(BLUR)).tobytes()

    def rank(at: int) -> tuple[int, float]:
        x, y = at % size.width, at // size.width
        return blurred[at], -abs(2 * x + 1 - size.width) - abs(2 * y + 1 - size.height)

    at = max(range(len(blurred)), key=rank)
    x, y = at % size.width, at // size.width
    return FocalPoint(x=(x + 0.5) / size.width, y=(y + 0.5) / size.height)
