"""Tone-maps HDR colours (PQ and HLG) to what a standard display shows, as Chromium does.

The curve is the reference white tone mapping operator (RWTMO) of SMPTE ST 2094-50, annex C, for a
display without headroom. Skia applies it to PQ and HLG (``SkHdrAgtm.cpp``, since milestone 145).
Up to the reference white it is linear. Above, it is a parabola that maps the content's peak to the
display's white. The factor for all three channels comes from the largest one, so hues stay.
"""

import math
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache

from services.resize.pictures.primaries import (
    BT2020,
    SRGB,
    Primaries,
    Vector,
    apply,
    inverse,
    multiply,
    to_xyz,
)

REFERENCE_WHITE = 203.0
"""cd/m2 of diffuse white (ITU-R BT.2408)."""

DEFAULT_PEAK = 1000.0
"""cd/m2 of the brightest pixel if the file does not declare it (Skia's default)."""

PQ_PEAK = 10_000.0
"""cd/m2 of PQ's largest value (SMPTE ST 2084)."""

HLG_PEAK = 1000.0
"""cd/m2 of HLG's reference display, for which its system gamma is 1.2 (ITU-R BT.2100, table 5)."""

HLG_GAMMA = 1.2

HLG_WEIGHTS = 0.2627, 0.6780, 0.0593
"""Luminance of red, green and blue (ITU-R BT.2100, table 5)."""

KNEE = 0.65
"""Where the middle control point of the parabola is (SMPTE ST 2094-50, formula C.3: kappa)."""


class Hdr(Enum):
    """The transfer functions of HDR pictures."""

    PQ = "PQ"
    HLG = "HLG"


def tone_map(primaries: Primaries, transfer: Hdr, peak: float) -> Callable[[Vector], Vector]:
    """The function from encoded RGB (0 to 1) to XYZ for D50, within sRGB.

    ``peak``: the luminance of the content's brightest pixel in cd/m2.
    """
    decode, display = cache(DECODERS[transfer]), DISPLAYS[transfer]
    gain = rwtmo_gain(min(peak, PEAKS[transfer]))
    to_bt2020 = multiply(inverse(to_xyz(BT2020)), to_xyz(primaries))
    srgb_to_xyz = to_xyz(SRGB)
    to_srgb = multiply(inverse(srgb_to_xyz), to_xyz(BT2020))

    def mapped(rgb: Vector) -> Vector:
        red, green, blue = rgb
        light = apply(to_bt2020, display((decode(red), decode(green), decode(blue))))
        factor = gain(max(light))
        r, g, b = apply(to_srgb, light)
        return apply(srgb_to_xyz, (_clip(r * factor), _clip(g * factor), _clip(b * factor)))

    return mapped


def rwtmo_gain(peak: float) -> Callable[[float], float]:
    """RWTMO's factor for a colour, by its largest component relative to the reference white.

    The parabola is a Bézier curve from the knee to the peak (SMPTE ST 2094-50, C.2 to C.5).
    """
    stops = math.log2(max(peak / REFERENCE_WHITE, 1))
    white = 1 - 0.5 * min(stops / math.log2(DEFAULT_PEAK / REFERENCE_WHITE), 1)
    brightest = 2**stops
    x_middle, y_middle = 1 - KNEE + KNEE / white, (1 - KNEE) * white + KNEE
    x_slope, x_bend = 2 * (x_middle - 1), 1 - 2 * x_middle + brightest
    y_slope, y_bend = 2 * (y_middle - white), white - 2 * y_middle + 1

    def gain(x: float) -> float:
        if x <= 1:
            return white
        if x >= brightest:
            return 1 / x
        # the curve's parameter at x; this form of the root never divides by a small number
        t = 2 * (x - 1) / (x_slope + math.sqrt(x_slope**2 + 4 * x_bend * (x - 1)))
        return (white + t * (y_slope + t * y_bend)) / x

    return gain


def _from_pq(value: float) -> float:
    """Light relative to the reference white (SMPTE ST 2084, 5.2)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = value ** (1 / m2)
    return float((max(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * PQ_PEAK / REFERENCE_WHITE)


def _from_hlg(value: float) -> float:
    """Light of the scene, at most 1 (ITU-R BT.2100, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return value**2 / 3 if value <= 0.5 else (math.exp((value - c) / a) + b) / 12  # noqa: PLR2004 - where the curve's two parts meet


def _on_hlg_display(scene: Vector) -> Vector:
    """Light of the reference display for the light of a scene, relative to the reference white."""
    r, g, b = scene
    red, green, blue = HLG_WEIGHTS
    luminance = red * r + green * g + blue * b
    factor = luminance ** (HLG_GAMMA - 1) * HLG_PEAK / REFERENCE_WHITE
    return r * factor, g * factor, b * factor


def _clip(light: float) -> float:
    return min(max(light, 0.0), 1.0)


PEAKS: Mapping[Hdr, float] = {Hdr.PQ: PQ_PEAK, Hdr.HLG: HLG_PEAK}

DECODERS: Mapping[Hdr, Callable[[float], float]] = {Hdr.PQ: _from_pq, Hdr.HLG: _from_hlg}

DISPLAYS: Mapping[Hdr, Callable[[Vector], Vector]] = {
    Hdr.PQ: lambda light: light,
    Hdr.HLG: _on_hlg_display,
}
