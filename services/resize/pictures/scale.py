"""Lanczos resampling: with SIMD where the optional resizer is installed, else with Pillow.

Lanczos runs over rows and columns by turns, so each is a step of its own: what stands in between is
a picture of Pillow's, whose memory is kept for the next, and a large one can go before the last is
made.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from PIL import Image

from services.resize.pictures import memory
from services.resize.pictures.values import Size

try:
    import cykooz_resizer
except ImportError:
    cykooz_resizer = None

Step = Callable[[Image.Image], Image.Image]
Resampler = Callable[[Image.Image, Size], Iterator[Step]]
"""The steps from this picture, L, RGB, RGBA or CMYK, to that size."""

LANCZOS = Image.Resampling.LANCZOS

ROWS_GAP = 3.0
"""Pillow may average whole blocks down to three times the wanted size before it runs Lanczos:
indistinguishable from Lanczos alone, says its documentation, and much less work."""

COLUMNS_GAP = 1.4
"""The same for columns, which are averaged before anything else: 0.29 instead of 0.36 of naive
Pillow's time at 24 MP. In one direction alone it costs no more than 0.0012 of SSIM and 1 % of the
sharpness; in both it would cost 0.0021, and at 1.2 in one 0.0023."""


def resize(image: Image.Image, size: Size, *, release_source: bool = False) -> Image.Image:
    """The picture at ``size``: itself, not a copy, if it has that size already.

    ``release_source``: nobody needs the picture that is given any more, so it is closed on the way.
    """
    if image.size == size:
        return image
    for step in _resampler(image.mode)(image, size):
        made = step(image)
        if release_source:
            image.close()
        image, release_source = made, True
    return image


def _with_pillow(image: Image.Image, size: Size) -> Iterator[Step]:
    """Transparency is premultiplied, or what nobody sees would colour what is seen."""
    if image.mode == "RGBA":
        yield lambda picture: picture.convert("RGBa")
    fewer = max(1, int(image.width / size.width / COLUMNS_GAP))
    if fewer > 1:
        yield lambda picture: picture.reduce((fewer, 1))
    if image.height != size.height:
        yield lambda picture: picture.resize(
            (picture.width, size.height), LANCZOS, reducing_gap=ROWS_GAP
        )
    if image.width != size.width:  # the last column may stand for fewer than the others
        whole = (0, 0, image.width / fewer, size.height)
        yield lambda picture: picture.resize(size, LANCZOS, box=whole)
    if image.mode == "RGBA":
        yield lambda picture: picture.convert("RGBA")


@cache
def _resizer() -> Any:
    """Kept, because it keeps what it needs beside the picture for transparency: its size again."""
    return cykooz_resizer.Resizer()


memory.given_back_by(_resizer.cache_clear)


def _with_simd() -> Resampler:
    """The same by cykooz-resizer: 2.4 to 3.4 times less CPU on x86-64 with AVX2."""
    lanczos = cykooz_resizer.ResizeAlg.convolution(cykooz_resizer.FilterType.lanczos3)
    options = cykooz_resizer.ResizeOptions(resize_alg=lanczos)

    def to(size: Size) -> Step:
        def resampled(image: Image.Image) -> Image.Image:
            small = Image.new(image.mode, size)
            _resizer().resize_pil(image, small, options)
            return small

        return resampled

    def steps(image: Image.Image, size: Size) -> Iterator[Step]:
        between = Size(image.width, size.height)
        if image.mode != "RGBA" and between not in {image.size, size}:
            yield to(between)  # it would premultiply RGBA twice
        yield to(size)

    return steps


_simd = _with_simd() if cykooz_resizer else None


def _resampler(mode: str) -> Resampler:
    """The SIMD resizer does not know CMYK."""
    return _simd if _simd and mode != "CMYK" else _with_pillow
