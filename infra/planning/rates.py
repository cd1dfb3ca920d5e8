"""The rates that ``store`` estimates each image's cost with, from the same sources as ``cost``."""

from infra.config.definitions import Definition, definitions
from infra.config.prices import Prices
from infra.config.stages import Stage
from infra.planning.cost import Kind, Place, bill
from infra.planning.work import Work
from shared.contracts.cost import Rates

PLACES = 12
"""Decimals of a dollar, so that a text is the same on every machine."""


def rates(stage: Stage, everyone: tuple[Definition, ...] | None = None) -> Rates:
    """What one image costs in this stage, as if on AWS: before any tier, with no free tier.

    The local stage gets the same rates, although nothing is charged there.
    """
    prices = Prices.load()
    work = Work.load(stage, definitions() if everyone is None else everyone)
    place = Place(stage.architecture, stage.recovery)
    one = bill(1, work, prices, place)
    return Rates(
        detections={word: prices.detection(word) for word in sorted(prices.detections)},
        run=round(one.usd - one.of(Kind.DETECTIONS) - one.of(Kind.STORAGE), PLACES),
        gigabyte=prices.s3.gigabyte_month[0].usd,
    )
