"""Chromaticities of primaries, and their matrices to CIE XYZ."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]
"""Three rows."""


class Primaries(NamedTuple):
    """CIE 1931 chromaticities (x, y) of white and of full red, green and blue."""

    white: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]


D65 = (0.3127, 0.3290)
ILLUMINANT_C = (0.310, 0.316)

SRGB = Primaries(D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
BT2020 = Primaries(D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
_SMPTE_170M = Primaries(D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))

BY_CODE: Mapping[int, Primaries] = {
    1: SRGB,
    4: Primaries(ILLUMINANT_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: Primaries(D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: _SMPTE_170M,
    7: _SMPTE_170M,
    8: Primaries(ILLUMINANT_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: BT2020,
    10: Primaries((1 / 3, 1 / 3), (1, 0), (0, 1), (0, 0)),
    11: Primaries((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: Primaries(D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: Primaries(D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
"""By the code in ITU-T H.273, table 2 (ColourPrimaries). 12 is Display P3."""

D50: Vector = (0.9642, 1.0, 0.8249)
"""The white of ICC's connection space (ICC.1:2022, 7.2.16)."""

BRADFORD: Matrix = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)
"""From XYZ to the responses of the eye's cones (ICC.1:2022, annex E)."""


def to_xyz(primaries: Primaries) -> Matrix:
    """The matrix from linear RGB to XYZ, adapted to D50.

    Raises ZeroDivisionError if the primaries span no colours.
    """
    x_white, y_white = primaries.white
    columns = [(x, y, 1 - x - y) for x, y in primaries[1:]]
    corners = transpose(columns)
    white = (x_white / y_white, 1.0, (1 - x_white - y_white) / y_white)
    scales = apply(inverse(corners), white)
    matrix = transpose([_scaled(c, s) for c, s in zip(columns, scales, strict=True)])
    return multiply(_adaptation(white), matrix)


def multiply(one: Matrix, other: Matrix) -> Matrix:
    return transpose([apply(one, column) for column in transpose(other)])


def apply(matrix: Matrix, vector: Vector) -> Vector:
    x, y, z = vector
    (a, b, c), (d, e, f), (g, h, i) = matrix
    return a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z


def transpose(rows: Sequence[Vector]) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = rows
    return (a, d, g), (b, e, h), (c, f, i)


def inverse(matrix: Matrix) -> Matrix:
    """The inverse. Raises ZeroDivisionError if the matrix has none."""
    one, two, three = matrix
    columns = (_cross(two, three), _cross(three, one), _cross(one, two))
    determinant = sum(a * b for a, b in zip(one, columns[0], strict=True))
    return transpose([_scaled(column, 1 / determinant) for column in columns])


def _adaptation(white: Vector) -> Matrix:
    """The matrix that turns this white into D50."""
    source, target = apply(BRADFORD, white), apply(BRADFORD, D50)
    r, g, b = (t / s for s, t in zip(source, target, strict=True))
    return multiply(inverse(BRADFORD), multiply(((r, 0, 0), (0, g, 0), (0, 0, b)), BRADFORD))


def _cross(one: Vector, other: Vector) -> Vector:
    (a, b, c), (d, e, f) = one, other
    return b * f - c * e, c * d - a * f, a * e - b * d


def _scaled(vector: Vector, factor: float) -> Vector:
    x, y, z = vector
    return x * factor, y * factor, z * factor
