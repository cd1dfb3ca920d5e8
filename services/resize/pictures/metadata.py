"""What the original says of itself: how to turn it, when and with what it was taken, and where."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from PIL import ExifTags, Image

from services.resize.pictures.values import Capture

T = TypeVar("T")

TIME = re.compile(r"(\d{4}):(\d\d?):(\d\d?) (\d\d?):(\d\d?):(\d\d?)", re.ASCII)
OFFSET = re.compile(r"[+-]\d\d:\d\d", re.ASCII)
LONGEST_CAMERA = 100
"""Characters; real ones have under 40, and it goes into an event of limited size."""


@dataclass(frozen=True)
class Metadata:
    """``turn``: what makes the picture upright, None if it is. ``profile``: its ICC profile."""

    turn: Image.Transpose | None
    profile: bytes | None
    captured: Capture
    located: bool


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF's orientation to what undoes it; 1, and anything unheard of, is upright."""

SWAPS_SIDES = frozenset(TURNS[orientation] for orientation in (5, 6, 7, 8))


def read_metadata(picture: Image.Image) -> Metadata:
    """Read it from a picture that is loaded: PNG may keep it at the end, and TIFF turns itself.

    Broken metadata never fails a picture: what cannot be read is taken as absent, one by one.
    """
    return Metadata(
        turn=_read(lambda: TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1)), None),
        profile=picture.info.get("icc_profile"),
        captured=Capture(
            at=_read(lambda: _taken_at(picture.getexif()), None),
            camera=_read(lambda: _camera(picture.getexif()), None),
        ),
        located=_read(lambda: _in_exif(picture.getexif()), default=False) or _in_xmp(picture),
    )


def _read(read: Callable[[], T], default: T) -> T:
    try:
        return read()
    except Exception:  # noqa: BLE001 - bytes made to break parsers make them raise anything
        return default


def _taken_at(exif: Image.Exif) -> str | None:
    """When the shutter opened, else when it was scanned; not when the file was last changed."""
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    for time, offset in (
        (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
        (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    ):
        if at := _iso(_words(tags.get(time)), _words(tags.get(offset))):
            return at
    return None


def _iso(time: str, offset: str) -> str | None:
    """Not by strptime: its first call imports a module, and every call takes a lock, which another
    thread may hold while a child that decodes is forked.
    """
    read = TIME.fullmatch(time)
    if not read:
        return None
    try:
        at = datetime(*map(int, read.groups())).isoformat()  # type: ignore[arg-type]  # noqa: DTZ001 - EXIF's times are local; the offset is a tag of its own
    except ValueError:  # unset clocks write zeros
        return None
    return at + (offset if OFFSET.fullmatch(offset) else "")


def _camera(exif: Image.Exif) -> str | None:
    """Make and model, the make once: many models begin with it."""
    make, model = _words(exif.get(ExifTags.Base.Make)), _words(exif.get(ExifTags.Base.Model))
    name = model if model.lower().startswith(make.lower()) else f"{make} {model}"
    return name.strip()[:LONGEST_CAMERA] or None


def _words(value: object) -> str:
    """A tag's text, without the NULs and control characters that cameras pad it with."""
    text = value if isinstance(value, str) else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _in_exif(exif: Image.Exif) -> bool:
    return bool(exif.get_ifd(ExifTags.IFD.GPSInfo))


def _in_xmp(picture: Image.Image) -> bool:
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    return b"GPSLatitude" in (xmp.encode() if isinstance(xmp, str) else bytes(xmp))
