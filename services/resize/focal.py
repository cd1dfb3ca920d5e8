"""Reads the focal point that an uploader stored with an original."""

import re

from shared.contracts.images import FocalPoint
from shared.telemetry import log

RATIO = r"\s*([01]|[01]?\.\d{1,9})\s*"
FOCAL = re.compile(f"{RATIO},{RATIO}", re.ASCII)


def read_focal(metadata: str | None) -> FocalPoint | None:
    """``0.3,0.7`` as a point in the upright picture; None without one.

    An invalid value is ignored with a warning in the log, which does not repeat it.
    """
    if metadata is None:
        return None
    match = FOCAL.fullmatch(metadata)
    ratios = [float(ratio) for ratio in match.groups()] if match else []
    if not ratios or max(ratios) > 1:
        log.warning("focal point ignored; it is not two ratios such as 0.3,0.7")
        return None
    return FocalPoint(x=ratios[0], y=ratios[1])
