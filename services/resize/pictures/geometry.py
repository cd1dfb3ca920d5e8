"""Computes the sizes of resized pictures."""

from services.resize.pictures.values import Size


def fit(size: Size, side: int) -> Size:
    """The largest size with the same proportions and no side above ``side``; never an enlargement.

    No side becomes zero: a line of 1 x 65,000 pixels stays one pixel wide.
    """
    return scaled(size, min(1.0, side / max(size)))


def scaled(size: Size, factor: float) -> Size:
    """Both sides times ``factor``, rounded to whole pixels, at least one."""
    return Size(max(1, round(size.width * factor)), max(1, round(size.height * factor)))


def at_least(size: Size, shortest: int, longest: int) -> Size:
    """Enlarge until the shorter side is ``shortest`` or the longer side is ``longest``.

    A size that is already large enough does not change.
    """
    factor = min(shortest / min(size), longest / max(size))
    return scaled(size, factor) if factor > 1 else size
