"""Repairs a JPEG: it adds the end marker, or drops metadata that cannot be read."""

import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PIL import Image, ImageChops

from services.resize.pictures import jpeg
from services.resize.pictures.defects import Defect, Repaired, Truncated
from services.resize.pictures.files import JpegFile

MARKER = re.compile(rb"\xff[^\0\xff\xd0-\xd7]", re.DOTALL)
"""A marker within or after coded pixels, in which only restart markers and ``FF 00`` occur."""

AFTER_A_SCAN = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})
APPLICATION = frozenset({0xFE, *range(0xE0, 0xF0)})
ESSENTIAL = frozenset({0xE1, 0xE2, 0xEE})
"""EXIF and XMP, the colour profile, and Adobe's colour transform."""

COEFFICIENTS = 64
MAX_SCANS = 1000

PROBES = tuple(
    bits * 32 + b"".join(bytes((0xFF, 0xD0 + n)) + bits * 8 for n in range(8))
    for bits in (b"\x55", b"\xaa")
)
"""Bits, also behind each restart marker, that continue a scan. They differ in every bit."""

HALF = 25_000_000
"""Above this number of pixels, halves of the pictures are compared, which saves memory."""


class Parts(NamedTuple):
    """``end``: the offset after the last whole scan or segment. ``scans``: the heads of all scans.

    ``has_end``: an end marker follows.
    """

    end: int
    scans: Sequence[bytes]
    has_end: bool


def repair(original: bytes) -> Repaired | None:
    """The JPEG with an end marker after its last scan, or without metadata that cannot be read.

    Returns None if nothing can be repaired; raises Truncated if pixels are missing.
    """
    parts = _parts(original)
    if not parts.scans:
        return _without_damaged_metadata(original)
    if parts.has_end:
        return _without_damaged_metadata(original)
    body = original[: parts.end].rstrip(b"\xff")
    frame = next(s for s in jpeg.segments(original) if s.marker in jpeg.FRAMES)
    if not _has_all_scans(frame, parts.scans):
        raise Truncated("the scans with its details are missing")
    absent, rows = _absent_rows(body)
    if absent:
        raise Truncated.of(absent, rows, "rows")
    return Repaired(body + jpeg.END, frozenset({Defect.MISSING_END_MARKER}))


def _parts(original: bytes) -> Parts:
    """Follow the segments and scans until the end marker, the file's end or other data.

    Some phones append data to a picture without an end marker. A marker there has no valid segment.
    """
    at = jpeg.START
    scans: list[bytes] = []
    while len(scans) < MAX_SCANS:
        marker = original[at + 1 : at + 2]
        if original[at : at + 2] == jpeg.END:
            return Parts(at, scans, has_end=True)
        length = int.from_bytes(original[at + 2 : at + 4])
        after = at + 2 + length
        is_segment = original[at : at + 1] == b"\xff" and length >= 2 and after <= len(original)  # noqa: PLR2004
        if scans and is_segment:
            is_segment = marker[0] in AFTER_A_SCAN and _is_followed(original, at, after)
        if not is_segment:
            break
        if marker[0] == jpeg.SCAN:
            scans.append(original[at + 4 : after])
            found = MARKER.search(original, after)
            after = found.start() if found else len(original)
        at = after
    return Parts(at, scans, has_end=False)


def _is_followed(original: bytes, at: int, after: int) -> bool:
    """Whether a segment after a scan has the form of one: another marker or coded pixels follow."""
    if original[at + 1] == jpeg.SCAN:
        return after - at == 8 + 2 * original[at + 4]
    return original[after : after + 1] in {b"\xff", b""}


def _has_all_scans(frame: jpeg.Segment, scans: Sequence[bytes]) -> bool:
    """Whether each component has a scan for each of its coefficients, in full precision."""
    whole: dict[int, set[int]] = {}
    for scan in scans:
        count = scan[0]
        first, last, bits = scan[1 + 2 * count], scan[2 + 2 * count], scan[3 + 2 * count] & 15
        if frame.marker not in jpeg.PROGRESSIVE:
            first, last, bits = 0, COEFFICIENTS - 1, 0
        if bits == 0:
            for component in scan[1 : 1 + 2 * count : 2]:
                whole.setdefault(component, set()).update(range(first, last + 1))
    return len(whole) >= frame.head[9] and all(len(c) >= COEFFICIENTS for c in whole.values())


def _absent_rows(body: bytes) -> tuple[int, int]:
    """How many rows are not decoded, and how many there are.

    If a scan is complete, the decoder skips all bits after it. Otherwise it uses them for the next
    pixels, so that other bits give other pixels.
    """
    plain = _decoded(body + jpeg.END)
    tops = [
        box[1]
        for probe in PROBES
        if (box := ImageChops.difference(plain, _decoded(body + probe + jpeg.END)).getbbox())
    ]
    return (plain.height - min(tops) if tops else 0), plain.height


def _decoded(file: bytes) -> Image.Image:
    picture = JpegFile(io.BytesIO(file))
    picture.decodermaxblock = len(file)
    if picture.width * picture.height > HALF:
        picture.draft(None, (picture.width // 2, picture.height // 2))
    picture.load()
    return picture


def _without_damaged_metadata(original: bytes) -> Repaired | None:
    """The file without metadata that Pillow cannot read: as little as possible is dropped."""
    for dropped in (APPLICATION - ESSENTIAL, APPLICATION - {0xE2, 0xEE}, APPLICATION):
        file = b"".join(_without(original, dropped))
        try:
            JpegFile(io.BytesIO(file))
        except Exception:  # noqa: BLE001, S112 - malicious bytes can cause any exception
            continue
        return Repaired(file, frozenset({Defect.DAMAGED_METADATA}))
    return None


def _without(original: bytes, dropped: frozenset[int]) -> Iterator[bytes]:
    """The file without those of its segments before the first scan."""
    yield original[: jpeg.START]
    at = jpeg.START
    for segment in jpeg.segments(original):
        after = at + 2 + int.from_bytes(segment.head[2:4])
        if segment.marker not in dropped:
            yield original[at:after]
        at = after
    yield original[at:]
