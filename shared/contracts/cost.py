"""What an image costs on AWS: an estimate, and the rates that it is made from."""

from shared.contracts.envelope import Value


class Cost(Value):
    """An estimate, in US dollars at list prices: no free tier, no discount, no tax."""

    usd: float
    """All that the run takes: detections, functions, requests, and a first month of storage."""
    detections: float
    """What of it is for detections; 0 where their answers were reused."""


class Rates(Value):
    """What a deployment pays for one image, in US dollars; worked out when it is deployed."""

    detections: dict[str, float]
    """For one picture, by the name that ``DETECT`` has for the detection."""
    run: float
    """For the functions' time, the requests and the log of one usual run, without detections."""
    gigabyte: float
    """For keeping 10^9 bytes in the buckets for a month."""
