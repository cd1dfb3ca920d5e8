"""Computes the sizes and crops of resized pictures."""

from collections.abc import Sequence

from services.resize.pictures.values import MAX_SIDE, Fill, FocalPoint, Size, Spec

Box = tuple[int, int, int, int]
"""A part of a picture: left, top, right and bottom, in pixels."""


def fit(size: Size, side: int) -> Size:
    """The largest size with the same proportions and no side above ``side``; never an enlargement.

    No side becomes zero: a line of 1 x 65,000 pixels stays one pixel wide.
    """
    return scaled(size, min(1.0, side / max(size)))


def filling(size: Size, spec: Spec) -> Size:
    """The size of the whole picture from which this rendition is made; never an enlargement.

    To cover a box it is the smallest size with no side below the box's, and none above
    ``MAX_SIDE``: a long panorama does not take more memory than other pictures.
    """
    factors = spec.box.width / size.width, spec.box.height / size.height
    factor = max(factors) if spec.fill is Fill.COVER else min(factors)
    return scaled(size, min(1.0, factor, MAX_SIDE / max(size)))


def largest(size: Size, specs: Sequence[Spec]) -> Size:
    """The size to which an original is decoded, for all these renditions.

    It is large enough whether or not the orientation swaps width and height.
    """
    sizes = [filling(turned, spec) for spec in specs for turned in (size, Size(*size[::-1]))]
    return fit(size, max(max(needed) for needed in sizes))


def crop_box(size: Size, spec: Spec, focal: FocalPoint) -> Box:
    """The part that covers the box of ``spec``: its centre is as near to the focal point as the
    picture allows.

    A picture below the box gives its largest part with the box's proportions.
    """
    factor = min(1.0, size.width / spec.box.width, size.height / spec.box.height)
    part = scaled(spec.box, factor)
    left = _start(focal.x, size.width, part.width)
    top = _start(focal.y, size.height, part.height)
    return left, top, left + part.width, top + part.height


def _start(centre: float, whole: int, part: int) -> int:
    return min(max(0, round(centre * whole - part / 2)), whole - part)


def scaled(size: Size, factor: float) -> Size:
    """Both sides times ``factor``, rounded to whole pixels, at least one."""
    return Size(max(1, round(size.width * factor)), max(1, round(size.height * factor)))


def at_least(size: Size, shortest: int, longest: int) -> Size:
    """Enlarge until the shorter side is ``shortest`` or the longer side is ``longest``.

    A size that is already large enough does not change.
    """
    factor = min(shortest / min(size), longest / max(size))
    return scaled(size, factor) if factor > 1 else size
