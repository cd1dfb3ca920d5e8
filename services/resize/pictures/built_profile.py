"""Builds ICC profiles, so that LittleCMS converts colours that a file describes without one."""

import struct
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

from services.resize.pictures.primaries import D50, Matrix, Vector, transpose

WITH_CURVES = 0x04300000
"""Version 4.3, for parametric curves (ICC.1:2022, 10.18)."""

WITH_TABLE = 0x02400000
"""Version 2.4: LittleCMS would compensate the black point of a table of version 4, which is not
black for the perceptual intent."""

NODES = 33
"""Grid points for each channel of a table: as many as LittleCMS samples for its own table, so that
it interpolates only once."""


class Curve(NamedTuple):
    """A tone curve: (a x + b)^gamma where x is at least ``d``, and c x below (ICC's type 3)."""

    gamma: float
    a: float = 1
    b: float = 0
    c: float = 0
    d: float = 0


def matrix_profile(matrix: Matrix, curve: Curve) -> bytes:
    """A profile of RGB with one curve for all channels. ``matrix``: from linear RGB to XYZ, D50.

    Raises struct.error if a number is too large for a profile.
    """
    tone = _parametric(curve)
    columns = zip((b"rXYZ", b"gXYZ", b"bXYZ"), transpose(matrix), strict=True)
    tags = [(name, _xyz(column)) for name, column in columns]
    tags += [(name, tone) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _profile(WITH_CURVES, b"XYZ ", tags)


def table_profile(to_xyz: Callable[[Vector], Vector]) -> bytes:
    """A profile of RGB by a table. ``to_xyz`` maps RGB to XYZ for D50; all values are 0 to 1."""
    levels = [index / (NODES - 1) for index in range(NODES)]
    grid = product(levels, levels, levels)
    table = [value for rgb in grid for value in _lab(to_xyz(rgb))]
    identity = _fixed((1, 0, 0, 0, 1, 0, 0, 0, 1))
    line = struct.pack(">6H", *(0, 0xFFFF) * 3)
    head = b"mft2\0\0\0\0" + bytes((3, 3, NODES, 0)) + identity + struct.pack(">HH", 2, 2)
    lut = head + line + struct.pack(f">{len(table)}H", *table) + line
    return _profile(WITH_TABLE, b"Lab ", [(b"A2B0", lut)])


def _lab(xyz: Vector) -> tuple[int, int, int]:
    """CIELAB in the 16-bit encoding of ICC's lut16Type (ICC.1:2022, table 42)."""
    (x, y, z), (x_white, y_white, z_white) = xyz, D50
    x, y, z = _cube_root(x / x_white), _cube_root(y / y_white), _cube_root(z / z_white)
    lightness, a, b = 116 * y - 16, 500 * (x - y), 200 * (y - z)
    return round(lightness * 652.8), round((a + 128) * 256), round((b + 128) * 256)


def _cube_root(value: float) -> float:
    """The cube root, and CIELAB's straight line near black."""
    return value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116


def _parametric(curve: Curve) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + _fixed(curve)


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _fixed(values: Sequence[float]) -> bytes:
    """Signed numbers with 16 bits after the point."""
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _profile(version: int, connection: bytes, tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The container: a header of 128 bytes, a table of the tags, the tags at multiples of four."""
    tags = [(b"wtpt", _xyz(D50)), *tags]
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags:
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    fields = start + len(body), version, b"mntr", b"RGB ", connection, b"acsp"
    header = struct.pack(">I4xI4s4s4s12x4s", *fields).ljust(68, b"\0") + _fixed(D50)
    return header.ljust(128, b"\0") + table + body
