"""The rates for ``store``'s cost estimate of an image, from the same sources as ``cost``."""

from infra.config.definitions import Definition, definitions
from infra.config.prices import Prices
from infra.config.stages import Stage
from infra.planning.cost import Kind, Location, bill
from infra.planning.work import Work
from shared.contracts.cost import Rates

DECIMALS = 12
"""Decimals of a dollar. Rounding makes the text the same on every machine."""


def rates(stage: Stage, services: tuple[Definition, ...] | None = None) -> Rates:
    """The cost of one image in this stage, on AWS: in the first tier, without the free tier.

    The local stage has the same rates, although nothing is charged there.
    """
    prices = Prices.load()
    work = Work.load(stage, definitions() if services is None else services)
    location = Location(stage.architecture, stage.recovery)
    one_image = bill(1, work, prices, location)
    return Rates(
        detections={name: prices.detection(name) for name in sorted(prices.detections)},
        run=round(
            one_image.usd - one_image.of(Kind.DETECTIONS) - one_image.of(Kind.STORAGE), DECIMALS
        ),
        gigabyte=prices.s3.gigabyte_month[0].usd,
    )
