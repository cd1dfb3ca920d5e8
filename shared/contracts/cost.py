"""An estimate of what an image costs on AWS, and the rates behind it."""

from shared.contracts.envelope import Value


class Cost(Value):
    """An estimate, in US dollars at list prices: no free tier, no discount, no tax."""

    usd: float
    """The run's detections, functions, requests, and first month of storage."""
    detections: float
    """The share of detections; 0 if they were reused."""


class Rates(Value):
    """The rates of a deployment in US dollars, computed when it is deployed."""

    detections: dict[str, float]
    """For one picture, by the detection's name in ``DETECT``."""
    run: float
    """For the functions, requests and logs of one typical run, without detections."""
    gigabyte: float
    """For storing 10^9 bytes for a month."""
