"""Says what moves in an original and which frame is its still, and yields its frames.

GIF and PNG are composed here, from parts that Pillow decodes. WebP and AVIF are composed by their
libraries. The frames of HEIC can be counted, but not decoded.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from typing import cast

from PIL import Image, ImageFile

from services.resize.pictures import apng, gif, sequences
from services.resize.pictures.colour import shrinkable
from services.resize.pictures.frames import (
    Frame,
    Part,
    Times,
    TooManyParts,
    composed,
    shown_for,
    times_of,
)
from services.resize.pictures.values import Size

MIN_COST = 10_000
"""Pixels. A smaller frame costs as much as this one, about 1 ms."""

UNIFORM = 8
"""The largest range of a channel in one colour, for the noise of lossy formats."""

MOVES: Mapping[str, Callable[[bytes], bool]] = {
    "GIF": lambda _: True,
    "PNG": apng.is_animated,
    "WEBP": sequences.is_animated_webp,
    "AVIF": sequences.is_sequence,
    "HEIC": sequences.is_sequence,
}

TIMES: Mapping[str, Callable[[bytes], Times]] = {
    "GIF": lambda original: times_of(gif.parts(original), gif.plays(original)),
    "PNG": lambda original: times_of(apng.parts(original), apng.plays(original)),
    "WEBP": sequences.webp_times,
    "AVIF": sequences.sequence_times,
    "HEIC": sequences.sequence_times,
}

PARTS: Mapping[str, Callable[[bytes], Iterator[Part]]] = {"GIF": gif.parts, "PNG": apng.parts}
DECODED = frozenset({"WEBP", "AVIF"})


@dataclass(frozen=True)
class Motion:
    """What moves in an original.

    ``frames``: at least; if not ``counted``, there are more. ``milliseconds``: of one pass, with
    the delays that browsers show. ``plays``: how often it plays; 0 means forever. ``decodable``:
    whether its frames can be decoded.
    """

    frames: int = 1
    milliseconds: float = 0
    plays: int = 0
    counted: bool = True
    decodable: bool = True

    @property
    def moves(self) -> bool:
        return self.frames > 1

    def cost(self, size: Size) -> int:
        """Frames times pixels, if the frames have this size."""
        return self.frames * max(size.pixels, MIN_COST)


def may_move(kind: str, original: bytes) -> bool:
    """Whether the file declares an animation. It takes microseconds for a usual file."""
    return kind in MOVES and MOVES[kind](original)


def is_composed(kind: str, original: bytes, motion: Motion) -> bool:
    """Whether the still has to be composed; otherwise Pillow's first picture is right."""
    return motion.moves or (kind == "GIF" and gif.is_partial(original))


def motion_of(kind: str, original: bytes) -> Motion:
    """Count the frames without decoding them. Damaged tables of times count as no motion."""
    if not may_move(kind, original):
        return Motion()
    frames, milliseconds, counted = 0, 0.0, True
    try:
        times = TIMES[kind](original)
        for delay, count in times.delays:
            frames += count
            milliseconds += shown_for(delay) * count
    except TooManyParts:
        counted = False
    except Exception:  # noqa: BLE001 - malicious bytes can cause any exception
        return Motion()
    if not 1 < frames < len(original):  # a table of times may declare any number
        return Motion()
    return Motion(frames, milliseconds, times.plays, counted, decodable=kind in {*PARTS, *DECODED})


def frames_of(kind: str, original: bytes, picture: ImageFile.ImageFile) -> Iterator[Frame]:
    """The whole frames, one at a time; none for a format whose frames cannot be decoded.

    The pictures belong to the caller. Raises any error of a decoder.
    """
    if kind in PARTS:
        yield from composed(PARTS[kind](original), Size(*picture.size))
    elif kind in DECODED:
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            picture.load()
            yield Frame(shrinkable(picture.copy()), shown_for(picture.info["duration"]))


def still_of(
    kind: str, original: bytes, picture: ImageFile.ImageFile, pixels: int
) -> Image.Image | None:
    """The first frame with more than one colour, else the first that is not transparent.

    It decodes frames of at most ``pixels`` pixels together. None if the first frame has more, or
    cannot be decoded.
    """
    searched = pixels // max(Size(*picture.size).pixels, MIN_COST)
    still, most = None, -1
    with suppress(Exception):  # malicious bytes can cause any exception
        for frame in islice(frames_of(kind, original, picture), searched):
            shown = content_of(frame.image)
            if shown > most:
                still, most = frame.image, shown
            if shown is Content.COLOURS:
                break
    return still


class Content(IntEnum):
    """What a frame shows."""

    NOTHING = 0
    ONE_COLOUR = 1
    COLOURS = 2


def content_of(image: Image.Image) -> Content:
    """What an L, RGB or RGBA picture shows; colours of transparent pixels do not count."""
    visible = image.convert("RGBa") if image.mode == "RGBA" else image
    extrema = cast("list[tuple[int, int]]", [band.getextrema() for band in visible.split()])
    if any(high - low > UNIFORM for low, high in extrema):
        return Content.COLOURS
    is_transparent = image.mode == "RGBA" and extrema[-1][1] <= UNIFORM
    return Content.NOTHING if is_transparent else Content.ONE_COLOUR
