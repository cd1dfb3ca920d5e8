"""Composes the frames of an animation from the parts that its file stores."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeVar

from PIL import Image

from services.resize.pictures.colour import shrinkable
from services.resize.pictures.values import Size

T = TypeVar("T")

TOO_SHORT = 10
"""Milliseconds. Browsers show a frame with this delay or a shorter one for ``SLOWED``."""

SLOWED = 100

MAX_OVERHANG = 4
"""The most pixels of a part, in canvases. Browsers clip a part that exceeds the canvas."""

CLEAR = (0, 0, 0, 0)


class Disposal(Enum):
    """What becomes of a part's area before the next frame."""

    NONE = "none"
    BACKGROUND = "background"
    """It becomes transparent, as in browsers, which ignore the background colour of a GIF."""
    PREVIOUS = "previous"


class Blend(Enum):
    """What becomes of the canvas below a part."""

    REPLACE = "replace"
    MASK = "mask"
    """It shows through the part's transparent pixels; all others are opaque."""
    OVER = "over"


@dataclass(frozen=True)
class Part:
    """The area of the canvas that a frame changes, in pixels.

    ``milliseconds``: the delay in the file. ``image``: decodes it to RGBA.
    """

    x: int
    y: int
    size: Size
    milliseconds: float
    disposal: Disposal
    blend: Blend
    image: Callable[[], Image.Image]


class Times(NamedTuple):
    """Pairs of a delay in milliseconds and a number of frames, and how often the animation plays.

    0 plays mean forever.
    """

    delays: Iterator[tuple[float, int]]
    plays: int


class TooManyParts(Exception):
    """The file has more parts than are read."""


class Frame(NamedTuple):
    """A whole frame (L, RGB or RGBA), and the milliseconds for which it is shown."""

    image: Image.Image
    milliseconds: float


def bounded(items: Iterable[T], maximum: int) -> Iterator[T]:
    """The items. Raises TooManyParts instead of yielding more than ``maximum``."""
    for number, item in enumerate(items):
        if number == maximum:
            raise TooManyParts
        yield item


def shown_for(milliseconds: float) -> float:
    """The time for which browsers show a frame with this delay."""
    return milliseconds if milliseconds > TOO_SHORT else SLOWED


def times_of(parts: Iterable[Part], plays: int) -> Times:
    return Times(((part.milliseconds, 1) for part in parts), plays)


def composed(parts: Iterable[Part], canvas_size: Size) -> Iterator[Frame]:
    """The frames as RGB or RGBA. It decodes one part at a time, and holds three canvases at most.

    Raises ValueError for a part that is much larger than the canvas, and the decoder's errors.
    """
    canvas = Image.new("RGBA", canvas_size)
    for part in parts:
        if part.size.pixels > canvas_size.pixels * MAX_OVERHANG:
            raise ValueError("a part is much larger than the canvas")
        box = (part.x, part.y, part.x + part.size.width, part.y + part.size.height)
        before = canvas.crop(box) if part.disposal is Disposal.PREVIOUS else None
        _blend(canvas, part)
        frame = shrinkable(canvas)
        yield Frame(canvas.copy() if frame is canvas else frame, shown_for(part.milliseconds))
        if part.disposal is Disposal.BACKGROUND:
            canvas.paste(CLEAR, box)
        elif before:
            canvas.paste(before, (part.x, part.y))


def _blend(canvas: Image.Image, part: Part) -> None:
    image, at = part.image(), (part.x, part.y)
    if part.blend is Blend.OVER:
        canvas.alpha_composite(image, at)
    else:
        canvas.paste(image, at, image if part.blend is Blend.MASK else None)
