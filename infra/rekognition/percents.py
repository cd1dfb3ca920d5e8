"""Ratios as percentages."""


def percent(ratio: float) -> float:
    """The ratio in percent, at most 100: single-precision rounding can give a little more."""
    return min(100.0, 100.0 * float(ratio))
