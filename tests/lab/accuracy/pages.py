"""Drawn pages of text, whose exact words are known."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter, ImageFont

LETTER = """
Dear Ms Okonkwo,
thank you for your order of 14 March.
We sent 3 boxes of green tea (250 g each)
and one teapot to the address below.
The invoice over 86.40 EUR is due in 30 days.
Questions? Write to orders@example.com
or call +44 20 7946 0958.
Kind regards, J. Smith
"""
RECEIPT = """
CORNER BAKERY
2 Croissant 5.80
1 Sourdough 4.50
3 Espresso 7.20
TOTAL 17.50
CARD 17.50
VAT 7% 1.14
"""
SIGN = """
NO PARKING
Monday to Friday
8 AM - 6 PM
"""


@dataclass(frozen=True)
class Page:
    """A page as an encoded picture, with the words on it."""

    name: str
    words: tuple[str, ...]
    content: bytes


def pages() -> list[Page]:
    """The pages that the models should read."""
    return [
        drawn("letter", LETTER, size=26),
        drawn("small print", LETTER, size=13),
        drawn("receipt", RECEIPT, size=30),
        drawn("white on blue", SIGN, size=64, ink="white", paper="#123a7a"),
        drawn("faint", LETTER, size=26, ink="#9a9a9a", paper="#d8d8d8"),
        drawn("blurred", LETTER, size=26, after=lambda page: page.filter(_blur(1.5))),
        drawn("photographed", LETTER, size=26, after=_photographed),
        drawn("tilted by 10 degrees", LETTER, size=26, after=lambda page: _rotated(page, 10)),
        drawn("lying on its side", LETTER, size=26, after=lambda page: _rotated(page, -90)),
    ]


def unreadable_pages() -> list[Page]:
    """Pages that the models cannot read with their settings."""
    return [
        drawn("upside down", LETTER, size=26, after=lambda page: _rotated(page, 180)),
        drawn("seven pixels high", LETTER, size=10),
        drawn("out of focus", LETTER, size=26, after=lambda page: page.filter(_blur(5))),
    ]


def drawn(
    name: str,
    text: str,
    *,
    size: int,
    ink: str = "black",
    paper: str = "white",
    after: Callable[[Image.Image], Image.Image] = lambda page: page,
) -> Page:
    """A page with this text. `size` is the font's, in pixels; `after` distorts the picture."""
    lines = text.split("\n")[1:-1]
    page = Image.new("RGB", (max(320, size * 26), max(160, size * 2 * (len(lines) + 1))), paper)
    pen = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        position = (size * 2, size + size * 2 * number)
        pen.text(position, line, fill=ink, font=ImageFont.load_default(size=size))
    file = BytesIO()
    after(page).save(file, "PNG")
    return Page(name, tuple(text.split()), file.getvalue())


def _blur(pixels: float) -> ImageFilter.GaussianBlur:
    return ImageFilter.GaussianBlur(pixels)


def _photographed(page: Image.Image) -> Image.Image:
    """The page as photographed from the side, with noise and light that fades to the right."""
    width, height = page.size
    distorted = page.transform(
        page.size,
        Image.Transform.QUAD,
        (-40, -30, -10, height + 20, width + 60, height + 60, width + 20, -10),
        Image.Resampling.BICUBIC,
        fillcolor="#806a50",
    )
    shade = Image.linear_gradient("L").rotate(90).resize(page.size)
    dimmed = Image.composite(distorted, Image.new("RGB", page.size, "#605040"), shade.point(_half))
    return Image.blend(dimmed, Image.effect_noise(page.size, 90).convert("RGB"), 0.15)


def _half(value: int) -> int:
    return 255 - value // 2


def _rotated(page: Image.Image, degrees: int) -> Image.Image:
    return page.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
