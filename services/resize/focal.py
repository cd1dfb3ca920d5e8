"""Reads the focal point that an uploader stored with an original."""

import re

from services.resize.pictures.values import FocalPoint
from shared.telemetry import log

RATIO = r"\s*([01]|[01]?\.\d{1,9})\s*"
FOCAL = re.compile(f"{RATIO},{RATIO}", re.ASCII)


def read_focal(metadata: str | None) -> FocalPoint | None:
    """``0.3,0.7`` as a point in the upright picture; None without one.

    An invalid value is ignored with a warning in the log, which does not repeat it.
    """
    if metadata is None:
        return None
    focal = parse_focal(metadata)
    if focal is None:
        log.warning("focal point ignored; it is not two ratios such as 0.3,0.7")
    return focal


def parse_focal(text: str) -> FocalPoint | None:
    """The point; None if the text is not two ratios from 0 to 1."""
    match = FOCAL.fullmatch(text)
    x, y = map(float, match.groups()) if match else (2.0, 2.0)
    return FocalPoint(x=x, y=y) if max(x, y) <= 1 else None
