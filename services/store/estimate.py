"""What a run costs, from what its two facts say. Pure; the rates come from the deployment."""

from shared.contracts.cost import Cost, Rates
from shared.contracts.images import ImageAnalyzed, ImageResized

GIGABYTE = 10**9
PLACES = 9
"""Decimals of a dollar: a thousandth of a millionth is less than any single request costs."""


def estimate(resized: ImageResized, analyzed: ImageAnalyzed, rates: Rates) -> Cost | None:
    """What the run costs at these rates: its detections, a usual run's work, a month of storage.
    None if something was paid that they do not know: no estimate is better than a wrong one.

    The work is the usual one's, not this run's own: the times that a record has are those between
    services, and nobody bills a message that waits.
    """
    asked = paid(analyzed)
    if not asked <= rates.detections.keys():
        return None
    detections = sum(rates.detections[name] for name in asked)
    stored = stored_bytes(resized) / GIGABYTE * rates.gigabyte
    return Cost(
        usd=round(detections + rates.run + stored, PLACES), detections=round(detections, PLACES)
    )


def paid(analyzed: ImageAnalyzed) -> frozenset[str]:
    """The detections that were asked for this run. Of reused answers none were."""
    if analyzed.reused_from is not None:
        return frozenset()
    return frozenset(analyzed.thresholds.keys() | analyzed.models) - {"max_labels"}


def stored_bytes(resized: ImageResized) -> int:
    """Bytes that are kept of the image: its original, its renditions, the picture analysed."""
    kept = (*resized.renditions, resized.analysis)
    return resized.source.bytes + sum(rendition.bytes for rendition in kept)
