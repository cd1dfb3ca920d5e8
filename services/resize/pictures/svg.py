"""Renders SVG with resvg, which runs no script and uses no network.

The picture has its natural size at 96 dpi, or the size that browsers give to one without. There are
no fonts, so a picture with text is refused instead of shown without it. Filters may take any time
and memory: use it only in a child process.
"""

import codecs
import io
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import resvg_py
from PIL import PngImagePlugin

from services.resize.pictures.refusals import Refusal, refuse

TEXT = re.compile(rb"<(?:[\w.-]+:)?(?:text|foreignObject)[\s>]")
"""Elements that need fonts. The text of ``title`` and ``desc`` is not shown."""

SIZED = re.compile(rb"<svg\b[^>]*\s(?:width|height)\s*=\s*[\"'][^\"'%>]+[\"']")
"""A root element with a width or a height. A share of an unknown page is none."""

CSS_DPI = 96.0
UNSIZED = 300, 150
"""Pixels: the box of a picture without a width and a height, by CSS."""


def open_svg(file: io.BytesIO) -> PngImagePlugin.PngImageFile:
    """The picture as a PNG that is not decoded yet.

    Raises PermanentError for an SVG with text, and ValueError for a damaged one.
    """
    svg = file.read()
    if TEXT.search(svg):
        raise refuse(Refusal.UNSUPPORTED_VARIANT, format="SVG", variant="SVG with text")
    words = svg.removeprefix(codecs.BOM_UTF8).decode()
    picture = _rendered(words)
    if SIZED.search(svg):
        return picture
    factor = min(box / side for box, side in zip(UNSIZED, picture.size, strict=True))
    return _rendered(words, width=max(1, round(picture.width * factor)))


def _rendered(words: str, width: int | None = None) -> PngImagePlugin.PngImageFile:
    """The picture in this width, or in its own size."""
    with _no_files():
        png = resvg_py.svg_to_bytes(
            svg_string=words, width=width, skip_system_fonts=True, dpi=CSS_DPI
        )
    return PngImagePlugin.PngImageFile(io.BytesIO(png))


@contextmanager
def _no_files() -> Iterator[None]:
    """Deny this process to open files: resvg would show local files that an SVG names."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
