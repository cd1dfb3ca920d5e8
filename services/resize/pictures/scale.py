"""Lanczos resampling, with SIMD if the optional resizer is installed, otherwise with Pillow.

Rows and columns are resampled in separate steps. So the intermediate result is a Pillow picture,
whose memory is cached, and a large source can be released before the last step.
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
"""Yields the steps from a picture (L, RGB, RGBA or CMYK) to a size."""

LANCZOS = Image.Resampling.LANCZOS

ROWS_GAP = 3.0
"""Pillow may average blocks down to three times the target size before Lanczos. According to its
documentation, the result cannot be distinguished from Lanczos alone, and it is much faster."""

COLUMNS_GAP = 1.4
"""The same for columns, which are averaged first. It takes 0.29 instead of 0.36 of plain Pillow's
time at 24 MP. In one direction it costs at most 0.0012 of SSIM and 1 % of the sharpness. In both
directions it would cost 0.0021, and with 1.2 in one direction 0.0023."""


def resize(image: Image.Image, size: Size, *, release_source: bool = False) -> Image.Image:
    """The picture at ``size``; the same object if it already has that size.

    ``release_source`` closes the source picture as soon as it is resampled.
    """
    if image.size == size:
        return image
    for step in _resampler(image.mode)(image, size):
        result = step(image)
        if release_source:
            image.close()
        image, release_source = result, True
    return image


def _with_pillow(image: Image.Image, size: Size) -> Iterator[Step]:
    """Resample with Pillow. Alpha is premultiplied, so that hidden colours do not bleed."""
    if image.mode == "RGBA":
        yield lambda picture: picture.convert("RGBa")
    factor = max(1, int(image.width / size.width / COLUMNS_GAP))
    if factor > 1:
        yield lambda picture: picture.reduce((factor, 1))
    if image.height != size.height:
        yield lambda picture: picture.resize(
            (picture.width, size.height), LANCZOS, reducing_gap=ROWS_GAP
        )
    if image.width != size.width:  # the last column may be the mean of fewer columns
        box = (0, 0, image.width / factor, size.height)
        yield lambda picture: picture.resize(size, LANCZOS, box=box)
    if image.mode == "RGBA":
        yield lambda picture: picture.convert("RGBA")


@cache
def _resizer() -> Any:
    """The resizer. It is cached with its buffer for transparency, as large as the picture."""
    return cykooz_resizer.Resizer()


memory.on_release(_resizer.cache_clear)


def _with_simd() -> Resampler:
    """Resample with cykooz-resizer: 2.4 to 3.4 times less CPU on x86-64 with AVX2."""
    lanczos = cykooz_resizer.ResizeAlg.convolution(cykooz_resizer.FilterType.lanczos3)
    options = cykooz_resizer.ResizeOptions(resize_alg=lanczos)

    def resample_to(size: Size) -> Step:
        def resampled(image: Image.Image) -> Image.Image:
            small = Image.new(image.mode, size)
            _resizer().resize_pil(image, small, options)
            return small

        return resampled

    def steps(image: Image.Image, size: Size) -> Iterator[Step]:
        intermediate = Size(image.width, size.height)
        if image.mode != "RGBA" and intermediate not in {image.size, size}:
            yield resample_to(intermediate)  # two steps would premultiply RGBA twice
        yield resample_to(size)

    return steps


_simd = _with_simd() if cykooz_resizer else None


def _resampler(mode: str) -> Resampler:
    """The resampler for a mode; the SIMD resizer does not support CMYK."""
    return _simd if _simd and mode != "CMYK" else _with_pillow
