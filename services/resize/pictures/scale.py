"""Lanczos resampling: with SIMD where the optional resizer is installed, else with Pillow."""

from collections.abc import Callable

from PIL import Image

from services.resize.pictures.values import Size

try:
    import cykooz_resizer
except ImportError:
    cykooz_resizer = None

Resample = Callable[[Image.Image, Size], Image.Image]

REDUCING_GAP = 3.0
"""Pillow may average whole blocks down to three times the wanted size before it runs Lanczos:
indistinguishable from Lanczos alone, says its documentation, and much less work."""


def with_pillow(image: Image.Image, size: Size) -> Image.Image:
    """Resample an L, RGB, RGBA or CMYK picture to ``size``."""
    if image.mode != "RGBA":
        return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    # Pillow premultiplies by itself too, but forgets the reducing gap on the way.
    small = image.convert("RGBa").resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    return small.convert("RGBA")


def _with_simd() -> Resample:
    """The same by cykooz-resizer: 2.4 to 3.4 times less CPU on x86-64 with AVX2."""
    resizer = cykooz_resizer.Resizer()
    lanczos = cykooz_resizer.ResizeAlg.convolution(cykooz_resizer.FilterType.lanczos3)
    options = cykooz_resizer.ResizeOptions(resize_alg=lanczos)

    def resample(image: Image.Image, size: Size) -> Image.Image:
        if image.mode not in {"L", "RGB", "RGBA"}:  # it does not know CMYK
            return with_pillow(image, size)
        small = Image.new(image.mode, size)
        resizer.resize_pil(image, small, options)
        return small

    return resample


_resample = _with_simd() if cykooz_resizer else with_pillow


def resize(image: Image.Image, size: Size, *, spent: bool = False) -> Image.Image:
    """The picture at ``size``: itself, not a copy, if it has that size already.

    ``spent``: nobody needs the picture that is given any more, so it is closed on the way.
    """
    for smaller in _passes(image, size):
        made = _resample(image, smaller)
        if spent:
            image.close()
        image = made
    return image


def _passes(image: Image.Image, size: Size) -> list[Size]:
    """The sizes on the way. Lanczos runs over columns and rows by turns anyway; asked for one after
    the other, the SIMD resizer makes the very same pixels, but what stands in between is a picture
    of Pillow's, whose memory is kept for the next; and a large one can go before the last is made.
    """
    wanted = [size]
    if _resample is not with_pillow and image.mode in {"L", "RGB"}:  # RGBA would be weighed twice
        wanted = [Size(image.width, size.height), size]
    return [one for one in dict.fromkeys(wanted) if one != image.size]
