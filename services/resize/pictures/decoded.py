"""The result of decoding, and its encoding for the pipe between child and parent."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from PIL import Image

from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.values import Capture, Credit, Size
from shared.contracts.images import PictureDetails
from shared.errors import PermanentError


@dataclass(frozen=True)
class Decoded:
    """A decoded picture.

    ``image``: upright, L, RGB or RGBA in sRGB, no larger than the largest requested rendition.
    ``upright_size``: the original's size with its orientation applied. ``has_gps``: whether it has
    a GPS position.
    """

    image: Image.Image
    upright_size: Size
    captured: Capture
    has_gps: bool
    details: PictureDetails
    credit: Credit


def pack(decoded: Decoded) -> Sequence[bytes]:
    """A line of JSON, and the pixels. Not a pickle, because the parent must not trust a child."""
    head = {
        "mode": decoded.image.mode,
        "size": decoded.image.size,
        "upright_size": decoded.upright_size,
        "captured": asdict(decoded.captured),
        "has_gps": decoded.has_gps,
        "details": decoded.details.model_dump(),
        "credit": asdict(decoded.credit),
    }
    return json.dumps(head).encode() + b"\n", decoded.image.tobytes()


def pack_refusal(error: PermanentError) -> Sequence[bytes]:
    """A line of JSON with the reason and its facts."""
    return (json.dumps({"refused": error.reason, "facts": error.facts}).encode() + b"\n",)


def unpack(answer: bytes) -> Decoded:
    """The picture from ``pack``. Raises the PermanentError from ``pack_refusal``."""
    line, _, pixels = answer.partition(b"\n")
    head = json.loads(line)
    if "refused" in head:
        raise refuse(Refusal.of(head["refused"]), **head["facts"])
    return Decoded(
        image=Image.frombytes(head["mode"], tuple(head["size"]), pixels),
        upright_size=Size(*head["upright_size"]),
        captured=Capture(**head["captured"]),
        has_gps=head["has_gps"],
        details=PictureDetails.model_validate(head["details"]),
        credit=Credit(**head["credit"]),
    )
