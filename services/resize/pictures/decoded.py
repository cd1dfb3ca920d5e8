"""The result of decoding, and its encoding for the pipe between child and parent."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from PIL import Image

from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.values import (
    Capture,
    Credit,
    FocalPoint,
    Format,
    PictureDetails,
    Rendition,
    Size,
    Spec,
)
from shared.errors import PermanentError


class Target(NamedTuple):
    """What the frames become.

    ``size``: the original's, upright. ``upright``: turns a frame upright and converts it to sRGB.
    ``focal``: what crops show; None: what ``attention`` finds. ``credit``: written to renditions.
    """

    size: Size
    specs: Sequence[Spec]
    upright: Callable[[Image.Image], Image.Image]
    focal: FocalPoint | None
    credit: Credit


class Allowed(NamedTuple):
    """The limits. ``pixels``: frames times pixels. ``deadline``: as of ``confined.deadline_in``."""

    pixels: int
    deadline: float


class Moving(NamedTuple):
    """What ``animated.animate`` finds and creates.

    ``still``: the frame to show where nothing moves; None if it is the first picture.
    ``renditions``: animated ones, which the child encodes, because frames take too much memory.
    """

    details: PictureDetails = PictureDetails()
    still: Image.Image | None = None
    renditions: tuple[Rendition, ...] = ()


@dataclass(frozen=True)
class Decoded:
    """A decoded picture.

    ``image``: upright, L, RGB or RGBA in sRGB, no larger than the largest requested rendition.
    ``upright_size``: the original's size with its orientation applied. ``has_gps``: whether it has
    a GPS position. ``animated``: renditions that are already encoded.
    """

    image: Image.Image
    upright_size: Size
    captured: Capture
    has_gps: bool
    details: PictureDetails
    credit: Credit
    animated: tuple[Rendition, ...] = ()


def pack(decoded: Decoded) -> Sequence[bytes]:
    """A line of JSON, the pixels, and the files of animated renditions.

    Not a pickle, because the parent must not trust a child.
    """
    head = {
        "mode": decoded.image.mode,
        "size": decoded.image.size,
        "upright_size": decoded.upright_size,
        "captured": asdict(decoded.captured),
        "has_gps": decoded.has_gps,
        "details": asdict(decoded.details),
        "credit": asdict(decoded.credit),
        "animated": [[r.name, r.width, r.height, len(r.body)] for r in decoded.animated],
    }
    bodies = (rendition.body for rendition in decoded.animated)
    return json.dumps(head).encode() + b"\n", decoded.image.tobytes(), *bodies


def pack_refusal(error: PermanentError) -> Sequence[bytes]:
    """A line of JSON with the reason and its facts."""
    return (json.dumps({"refused": error.reason, "facts": error.facts}).encode() + b"\n",)


def unpack(answer: bytes) -> Decoded:
    """The picture from ``pack``. Raises the PermanentError from ``pack_refusal``."""
    line, _, rest = answer.partition(b"\n")
    head = json.loads(line)
    if "refused" in head:
        raise refuse(Refusal.of(head["refused"]), **head["facts"])
    size = Size(*head["size"])
    length = size.pixels * len(head["mode"])
    return Decoded(
        image=Image.frombytes(head["mode"], size, rest[:length]),
        upright_size=Size(*head["upright_size"]),
        captured=Capture(**head["captured"]),
        has_gps=head["has_gps"],
        details=PictureDetails(
            **head["details"] | {"warnings": tuple(head["details"]["warnings"])}
        ),
        credit=Credit(**head["credit"]),
        animated=tuple(_renditions(head["animated"], io.BytesIO(rest[length:]))),
    )


def _renditions(heads: Iterable[Any], bodies: io.BytesIO) -> Iterator[Rendition]:
    kind = Format.WEBP
    for name, width, height, length in heads:
        yield Rendition(name, kind, kind.content_type, width, height, bodies.read(length))
