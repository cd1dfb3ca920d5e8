"""Reads an original's metadata: orientation, profile, time, camera, position, credit."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from PIL import ExifTags, Image, ImageFile

from services.resize.pictures import iptc, xmp
from services.resize.pictures.exif import PREFIX, Directory, Exif, read_exif
from services.resize.pictures.files import AvifFile
from services.resize.pictures.values import Capture, Credit

T = TypeVar("T")

TIME = re.compile(
    r"(\d{4})[:/.-] ?(\d\d?)[:/.-] ?(\d\d?)[ T] ?"
    r"(\d\d?): ?(\d\d?)(?:: ?(\d\d?)(?:[.,]\d{1,9})?)? ?([Z+-].{0,5})?",
    re.ASCII | re.IGNORECASE,
)
"""EXIF's form has colons and a space. Apps write ISO 8601 with fractions and a zone, like XMP."""

OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?", re.ASCII)
MAX_OFFSET = 14 * 60
"""Minutes. Kiribati is 14 hours ahead of UTC."""

MAX_CAMERA_LENGTH = 100
"""Characters. Real names have fewer than 40; the size of an event is limited."""

MAX_CREDIT_LENGTH = 500
"""Characters of each line. They are in every rendition, also in a thumbnail of 5 KB."""

MAX_PROFILE_TEXT = 200_000
"""Characters of hexadecimal EXIF or IPTC data in a text of a PNG."""


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
    credit: Credit


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

TURNED_BY_EXIF = frozenset({"JPEG", "PNG", "WEBP"})
"""Formats whose EXIF orientation counts. Pillow and libheif turn TIFF and HEIC when they load."""


def read_turn(picture: ImageFile.ImageFile) -> Image.Transpose | None:
    """The transposition that makes the picture upright. Call it before the picture is loaded.

    A PNG's EXIF orientation counts only if it stands before the pixels, as in browsers. AVIF's own
    boxes decide, not its EXIF data. An orientation in XMP never counts.
    """
    if isinstance(picture, AvifFile):
        return TURNS.get(picture.orientation)
    raw = picture.info.get("exif")
    if picture.format not in TURNED_BY_EXIF or not isinstance(raw, bytes):
        return None
    if raw.startswith(PREFIX * 2):  # browsers ignore such a block
        return None
    return _read(lambda: TURNS.get(read_exif(raw).main.orientation()), None)


def read_metadata(
    picture: ImageFile.ImageFile, original: bytes, turn: Image.Transpose | None
) -> Metadata:
    """Read the metadata of a loaded picture. A PNG may have some at its end.

    Broken metadata is not an error: each value that cannot be read counts as missing.
    """
    exif = _read(lambda: read_exif(_raw_exif(picture, original)), read_exif(b""))
    packet = _read(lambda: _packet(picture, exif), b"")
    return Metadata(
        turn=turn,
        profile=picture.info.get("icc_profile"),
        captured=Capture(
            at=_read(lambda: _captured_at(exif.photo, packet), None),
            camera=_read(lambda: _camera(exif.main), None),
        ),
        has_gps=_read(lambda: _has_position(exif.position, packet), default=False),
        credit=_read(lambda: _credit(picture, exif, packet), Credit()),
    )


def _read(read: Callable[[], T], default: T) -> T:
    try:
        return read()
    except Exception:  # noqa: BLE001 - malicious bytes can cause any exception
        return default


def _raw_exif(picture: ImageFile.ImageFile, original: bytes) -> bytes:
    """The EXIF block; a TIFF file is one itself."""
    if picture.format == "TIFF":
        return original
    raw = picture.info.get("exif")
    return raw if isinstance(raw, bytes) else _from_text(picture, "exif", "APP1")


def _from_text(picture: ImageFile.ImageFile, *names: str) -> bytes:
    """Data that ImageMagick writes to a PNG as text: a name, a length, and hexadecimal digits."""
    for name in names:
        text = picture.info.get(f"Raw profile type {name}")
        if isinstance(text, str):
            return bytes.fromhex("".join(text[:MAX_PROFILE_TEXT].split("\n")[3:]))
    return b""


def _packet(picture: ImageFile.ImageFile, exif: Exif) -> bytes:
    """The XMP packet."""
    if picture.format == "TIFF":
        return exif.main.content(XMP, xmp.MAX_BYTES)
    packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    return packet.encode() if isinstance(packet, str) else bytes(packet)


XMP, IPTC, PHOTOSHOP = 700, 33723, 34377
"""Tags of a TIFF."""

MAX_IPTC = 65_536
"""Bytes; a segment of a JPEG has no more."""


def _record(picture: ImageFile.ImageFile, exif: Exif) -> bytes:
    """The IPTC record."""
    if picture.format == "TIFF":
        return exif.main.content(IPTC, MAX_IPTC) or iptc.iptc_of(
            exif.main.content(PHOTOSHOP, MAX_IPTC)
        )
    if picture.format == "JPEG":
        return bytes(picture.info.get("photoshop", {}).get(iptc.IPTC_BLOCK, b""))
    return iptc.iptc_of(_from_text(picture, "iptc", "8bim"))


def _captured_at(photo: Directory, packet: bytes) -> str | None:
    """The time of the photo or of its scan, but not of the file's last change."""
    for time, offset in (
        (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
        (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    ):
        if at := _iso(_words(photo.text(time)), _words(photo.text(offset))):
            return at
    if not packet:
        return None
    times = (_iso(_words(xmp.value(packet, name)), "") for name in TIMES)
    return next((at for at in times if at), None)


TIMES = "exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate", "xap:CreateDate"
"""XMP's properties, in the order of their precedence; ``xap`` is an old prefix."""


def _iso(time: str, offset: str) -> str | None:
    """The time as ISO 8601 in whole seconds, or None if it is invalid.

    A zone in the time itself counts more than ``offset``. It does not use strptime, which takes a
    lock and imports a module: neither is safe in a forked child (see ``confined``).
    """
    match = TIME.fullmatch(time)
    if not match:
        return None
    *numbers, zone = match.groups()
    try:
        at = datetime(*(int(number or 0) for number in numbers)).isoformat()  # type: ignore[arg-type]  # noqa: DTZ001 - EXIF's times are local; the offset has its own tag
    except ValueError:  # cameras without a set clock write zeros
        return None
    return at + (_offset(zone or "") or _offset(offset))


def _offset(text: str) -> str:
    """The offset from UTC as ``+02:00``; empty if it is invalid or impossible."""
    if text.upper() == "Z":
        return "+00:00"
    match = OFFSET.fullmatch(text)
    if not match:
        return ""
    sign, hours, minutes = match[1], int(match[2]), int(match[3] or 0)
    possible = minutes < 60 and hours * 60 + minutes <= MAX_OFFSET  # noqa: PLR2004 - an hour's
    return f"{sign}{hours:02}:{minutes:02}" if possible else ""


def _camera(main: Directory) -> str | None:
    """The make and the model, without the make if the model starts with it."""
    make, model = (_words(main.text(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    name = model if model.lower().startswith(make.lower()) else f"{make} {model}"
    return name.strip()[:MAX_CAMERA_LENGTH] or None


def _words(text: str) -> str:
    """The text without padding and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _has_position(position: Directory, packet: bytes) -> bool:
    """Whether there are a latitude and a longitude. A phone without a fix writes zeros or none."""
    latitude, longitude = (
        any(position.content(tag)) for tag in (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLongitude)
    )
    return (latitude and longitude) or bool(packet and xmp.value(packet, "exif:GPSLatitude"))


def _credit(picture: ImageFile.ImageFile, exif: Exif, packet: bytes) -> Credit:
    """The lines of creator, copyright and credit: of EXIF, or else IPTC, or else XMP."""
    record = iptc.read_iptc(_record(picture, exif))

    def line(own: str, dataset: int, name: str) -> str:
        text = own.strip() or record.get(dataset, "") or (xmp.value(packet, name) if packet else "")
        return _words(text)[:MAX_CREDIT_LENGTH].strip()

    return Credit(
        creator=line(exif.main.text(ExifTags.Base.Artist), iptc.BYLINE, "dc:creator"),
        copyright=line(exif.main.text(ExifTags.Base.Copyright), iptc.COPYRIGHT_NOTICE, "dc:rights"),
        credit=line("", iptc.CREDIT, "photoshop:Credit"),
    )
