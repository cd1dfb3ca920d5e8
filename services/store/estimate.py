"""Estimates the cost of a run from its two facts. Pure; the rates come from the deployment."""

from shared.contracts.cost import Cost, Rates
from shared.contracts.images import ImageAnalyzed, ImageResized

GIGABYTE = 10**9
DECIMALS = 9
"""Of a dollar: 10^-9 is less than any single request costs."""


def estimate(resized: ImageResized, analyzed: ImageAnalyzed, rates: Rates) -> Cost | None:
    """The cost of the detections, of an average run's work and of a month of storage.

    None if the rates lack a detection that was paid. The work is an average because a record holds
    the times between services, which include waiting that nobody bills.
    """
    detections = paid_detections(analyzed)
    if not detections <= rates.detections.keys():
        return None
    for_detections = sum(rates.detections[name] for name in detections)
    for_storage = stored_bytes(resized) / GIGABYTE * rates.gigabyte
    return Cost(
        usd=round(for_detections + rates.run + for_storage, DECIMALS),
        detections=round(for_detections, DECIMALS),
    )


def paid_detections(analyzed: ImageAnalyzed) -> frozenset[str]:
    """The detections that were paid for this run; none if its answers were reused."""
    if analyzed.reused_from is not None:
        return frozenset()
    return frozenset(analyzed.thresholds.keys() | analyzed.models) - {"max_labels"}


def stored_bytes(resized: ImageResized) -> int:
    """Bytes of the original, its renditions and the picture that was analyzed."""
    renditions = (*resized.renditions, resized.analysis)
    return resized.source.bytes + sum(rendition.bytes for rendition in renditions)
