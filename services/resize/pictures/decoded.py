"""What decoding gives: the picture, upright and small, and how it crosses a pipe as bytes."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from PIL import Image

from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.values import Capture, Size
from shared.errors import PermanentError


@dataclass(frozen=True)
class Decoded:
    """``image``: L, RGB or RGBA in sRGB, no larger than the largest rendition wanted.

    ``seen``: the original's size with its orientation applied. ``located``: it said where.
    """

    image: Image.Image
    seen: Size
    captured: Capture
    located: bool


def pack(decoded: Decoded) -> Sequence[bytes]:
    """A line of JSON and the pixels: what comes from a child is data, so never a pickle."""
    head = {
        "mode": decoded.image.mode,
        "size": decoded.image.size,
        "seen": decoded.seen,
        "taken": asdict(decoded.captured),
        "located": decoded.located,
    }
    return json.dumps(head).encode() + b"\n", decoded.image.tobytes()


def pack_refusal(error: PermanentError) -> Sequence[bytes]:
    return (json.dumps({"refused": error.reason, "facts": error.facts}).encode() + b"\n",)


def unpack(answer: bytes) -> Decoded:
    """What was packed. Raises the PermanentError that was."""
    line, _, pixels = answer.partition(b"\n")
    head = json.loads(line)
    if "refused" in head:
        raise refuse(Refusal.of(head["refused"]), **head["facts"])
    return Decoded(
        image=Image.frombytes(head["mode"], tuple(head["size"]), pixels),
        seen=Size(*head["seen"]),
        captured=Capture(**head["taken"]),
        located=head["located"],
    )
