"""Reads the colour space that a file describes by numbers instead of an ICC profile.

PNG has chunks for it, AVIF and HEIC a box, and ICC profiles a tag. The numbers are codes of ITU-T
H.273 (CICP), or chromaticities and a gamma. They become an ICC profile, so that every colour space
is converted the same way.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from services.resize.pictures import heif
from services.resize.pictures.built_profile import Curve, matrix_profile, table_profile
from services.resize.pictures.hdr import DEFAULT_PEAK, Hdr, tone_map
from services.resize.pictures.primaries import BY_CODE, SRGB, Primaries, to_xyz
from services.resize.pictures.signals import TAG

SRGB_CURVE = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

TRANSFERS: Mapping[int, Curve | Hdr] = {
    **dict.fromkeys((1, 6, 13, 14, 15), SRGB_CURVE),
    4: Curve(2.2),
    5: Curve(2.8),
    7: Curve(1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0913),
    8: Curve(1),
    16: Hdr.PQ,
    17: Curve(2.6, (52.37 / 48) ** (1 / 2.6)),
    18: Hdr.HLG,
}
"""By the code in ITU-T H.273, table 3 (TransferCharacteristics). The curves of video cameras (1, 6,
14, 15) count as sRGB's, as in Chromium: players have always shown video so."""

RGB_TRANSFERS = {**TRANSFERS, **dict.fromkeys((1, 6, 14, 15), Curve(2.4))}
"""In PNG and in ICC profiles they are a television's (ITU-R BT.1886), as in Chromium."""

NO_CODES = b"\2\2\0\1"
"""Unspecified primaries and transfer."""

FULL_RANGE_RGB = b"\0\1"
"""The codes of matrix and range."""

CHUNK_SIZES: Mapping[bytes, int] = {
    b"cICP": 4,
    b"sRGB": 1,
    b"gAMA": 4,
    b"cHRM": 32,
    b"cLLI": 8,
    b"mDCV": 24,
}
"""Bytes of the chunks that are read (PNG, third edition, 11.3.2)."""

GAMMA_UNIT = 100_000
SRGB_GAMMA = 45_455
GAMMA_TOLERANCE = 500
"""sRGB's gAMA chunk has 45,455; some programs round it to 0.45 or 0.46."""

SAME_POINT = 0.001
"""Chromaticities that differ less are equal. Programs write sRGB's as 0.63999, for example."""

MAX_TAGS = 100
"""Tags of an ICC profile to search; real ones have fewer than 30."""

NITS = 10_000
"""Units of luminance per cd/m2 in PNG and in ``mdcv``."""


@dataclass(frozen=True)
class ColourSignal:
    """A colour space other than sRGB. ``peak``: the brightest pixel of an HDR picture in cd/m2."""

    primaries: Primaries
    transfer: Curve | Hdr
    peak: float = DEFAULT_PEAK

    @property
    def is_hdr(self) -> bool:
        return isinstance(self.transfer, Hdr)

    def profile(self) -> bytes:
        """The colour space as an ICC profile. For HDR, it contains the tone mapping."""
        return _profile(self.primaries, self.transfer, self.peak)


def read(kind: str, original: bytes, profile: bytes | None) -> ColourSignal | None:
    """The colour space that replaces the ICC profile, or None if the profile or sRGB applies.

    A damaged description counts as missing.
    """
    with suppress(struct.error):  # a value is missing, or too large for a profile
        reader = READERS.get(kind)
        signal = reader(original, profile) if reader else _of_profile(profile)
        if signal and (profile or not _is_srgb(signal)) and signal.profile():
            return signal
    return None


@lru_cache(maxsize=8)
def _profile(primaries: Primaries, transfer: Curve | Hdr, peak: float) -> bytes:
    if isinstance(transfer, Hdr):
        return table_profile(tone_map(primaries, transfer, peak))
    return matrix_profile(to_xyz(primaries), transfer)


def _of_png(original: bytes, profile: bytes | None) -> ColourSignal | None:
    """By the precedence of PNG, third edition, 4.3: cICP, iCCP, sRGB, gAMA and cHRM."""
    chunks: dict[bytes, bytes] = {}
    for name, content in _png_chunks(original):
        chunks.setdefault(name, content)  # the first of a kind counts, as in libpng
    peak = _peak(_u32(chunks, b"cLLI") / NITS, _u32(chunks, b"mDCV", 16) / NITS)
    if signal := _of_cicp(chunks.get(b"cICP", NO_CODES), peak):
        return signal
    if profile:
        return _of_profile(profile)
    return None if b"sRGB" in chunks else _of_gamma(chunks)


def _of_cicp(content: bytes, peak: float = DEFAULT_PEAK) -> ColourSignal | None:
    """By the chunk of a PNG or the tag of a profile: primaries, transfer, matrix and range.

    It is None for unspecified codes, and for a matrix or range that RGB does not have.
    """
    primaries, transfer = BY_CODE.get(content[0]), RGB_TRANSFERS.get(content[1])
    if primaries is None or transfer is None or content[2:4] != FULL_RANGE_RGB:
        return None
    return ColourSignal(primaries, transfer, peak)


def _of_gamma(chunks: Mapping[bytes, bytes]) -> ColourSignal | None:
    """By gAMA and cHRM. Chromaticities without a gamma are ignored, as in Chromium."""
    gamma, primaries = _u32(chunks, b"gAMA"), _chromaticities(chunks.get(b"cHRM"))
    if not gamma:
        return None
    is_srgb_curve = primaries == SRGB and abs(gamma - SRGB_GAMMA) <= GAMMA_TOLERANCE
    return ColourSignal(primaries, SRGB_CURVE if is_srgb_curve else Curve(GAMMA_UNIT / gamma))


def _chromaticities(content: bytes | None) -> Primaries:
    """Those of the chunk, or sRGB's if they are missing, impossible or almost sRGB's."""
    if content is None:
        return SRGB
    values = [value / GAMMA_UNIT for value in struct.unpack(">8I", content)]
    primaries = Primaries(*zip(values[::2], values[1::2], strict=True))
    pairs = zip(primaries, SRGB, strict=True)
    if all(abs(x - a) + abs(y - b) <= SAME_POINT for (x, y), (a, b) in pairs):
        return SRGB
    with suppress(ZeroDivisionError):  # they span no colours
        if max(values) <= 1 and to_xyz(primaries):
            return primaries
    return SRGB


def _png_chunks(original: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the chunks about colour before the pixels.

    Chunks of a wrong size or with a wrong checksum are left out, as in libpng.
    """
    at, name = 8, b""
    while name != b"IDAT" and at + 12 <= len(original):
        length, name = struct.unpack_from(">I4s", original, at)
        content = at + 8
        if CHUNK_SIZES.get(name) == length and content + length + 4 <= len(original):
            (checksum,) = struct.unpack_from(">I", original, content + length)
            if zlib.crc32(original[at + 4 : content + length]) == checksum:
                yield name, original[content : content + length]
        at = content + length + 4


def _of_heif(original: bytes, profile: bytes | None) -> ColourSignal | None:
    """By the box ``colr`` of type ``nclx``. An ICC profile precedes it."""
    if profile:
        return _of_profile(profile)
    found = heif.picture_properties(heif.meta(original))
    nclx = next((b for name, b in found if name == b"colr" and bytes(b[:4]) == b"nclx"), None)
    if nclx is None:
        return None
    primaries, transfer = struct.unpack_from(">HH", nclx, 4)
    light, mastering = (
        next((b for n, b in found if n == name), b"") for name in (b"clli", b"mdcv")
    )
    peak = _peak(int.from_bytes(light[:2]), int.from_bytes(mastering[16:20]) / NITS)
    return ColourSignal(BY_CODE.get(primaries, SRGB), TRANSFERS.get(transfer, SRGB_CURVE), peak)


def _of_profile(profile: bytes | None) -> ColourSignal | None:
    """By the tag of an RGB profile. For HDR, the profile itself would have no tone mapping."""
    if not profile or profile[16:20] != b"RGB ":
        return None
    (count,) = struct.unpack_from(">I", profile, 128)
    for index in range(min(count, MAX_TAGS)):
        tag, at = struct.unpack_from(">4sI", profile, 132 + 12 * index)
        if tag == TAG:
            return _of_cicp(struct.unpack_from("4s", profile, at + 8)[0])
    return None


def _peak(brightest: float, display: float) -> float:
    """The brightest pixel, else that of the display it was made on, else the default."""
    return brightest or display or DEFAULT_PEAK


def _u32(chunks: Mapping[bytes, bytes], name: bytes, at: int = 0) -> int:
    return int.from_bytes(chunks.get(name, b"")[at : at + 4])


def _is_srgb(signal: ColourSignal) -> bool:
    return signal.primaries == SRGB and signal.transfer == SRGB_CURVE


READERS: Mapping[str, Callable[[bytes, bytes | None], ColourSignal | None]] = {
    "PNG": _of_png,
    "AVIF": _of_heif,
    "HEIC": _of_heif,
}
