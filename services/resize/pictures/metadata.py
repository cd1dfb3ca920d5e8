"""Reads an original's metadata: orientation, profile, time, camera, presence of a position."""

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
MAX_CAMERA_LENGTH = 100
"""Characters. Real names have fewer than 40; the size of an event is limited."""


@dataclass(frozen=True)
class Metadata:
    """Metadata of an original.

    ``turn``: the transposition that makes the picture upright, or None. ``profile``: its ICC
    profile. ``has_gps``: whether it has a GPS position.
    """

    turn: Image.Transpose | None
    profile: bytes | None
    captured: Capture
    has_gps: bool


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition for each EXIF orientation; 1 and unknown values are upright."""

SWAPS_SIDES = frozenset(TURNS[orientation] for orientation in (5, 6, 7, 8))


def read_metadata(picture: Image.Image) -> Metadata:
    """Read the metadata of a loaded picture.

    It must be loaded, because a PNG may have metadata at its end, and loading rotates a TIFF.

    Broken metadata is not an error: each value that cannot be read counts as missing.
    """
    return Metadata(
        turn=_read(lambda: TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1)), None),
        profile=picture.info.get("icc_profile"),
        captured=Capture(
            at=_read(lambda: _captured_at(picture.getexif()), None),
            camera=_read(lambda: _camera(picture.getexif()), None),
        ),
        has_gps=_read(lambda: _in_exif(picture.getexif()), default=False) or _in_xmp(picture),
    )


def _read(read: Callable[[], T], default: T) -> T:
    try:
        return read()
    except Exception:  # noqa: BLE001 - malicious bytes can cause any exception
        return default


def _captured_at(exif: Image.Exif) -> str | None:
    """The time of the photo or of its scan, but not of the file's last change."""
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    for time, offset in (
        (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
        (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    ):
        if at := _iso(_words(tags.get(time)), _words(tags.get(offset))):
            return at
    return None


def _iso(time: str, offset: str) -> str | None:
    """The time as ISO 8601, or None if it is invalid.

    It does not use strptime, which takes a lock and imports a module: neither is safe in a forked
    child (see ``confined``).
    """
    match = TIME.fullmatch(time)
    if not match:
        return None
    try:
        at = datetime(*map(int, match.groups())).isoformat()  # type: ignore[arg-type]  # noqa: DTZ001 - EXIF's times are local; the offset has its own tag
    except ValueError:  # cameras without a set clock write zeros
        return None
    return at + (offset if OFFSET.fullmatch(offset) else "")


def _camera(exif: Image.Exif) -> str | None:
    """The make and the model, without the make if the model starts with it."""
    make, model = _words(exif.get(ExifTags.Base.Make)), _words(exif.get(ExifTags.Base.Model))
    name = model if model.lower().startswith(make.lower()) else f"{make} {model}"
    return name.strip()[:MAX_CAMERA_LENGTH] or None


def _words(value: object) -> str:
    """A tag's text, without padding of NULs and control characters."""
    text = value if isinstance(value, str) else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _in_exif(exif: Image.Exif) -> bool:
    return bool(exif.get_ifd(ExifTags.IFD.GPSInfo))


def _in_xmp(picture: Image.Image) -> bool:
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    return b"GPSLatitude" in (xmp.encode() if isinstance(xmp, str) else bytes(xmp))
