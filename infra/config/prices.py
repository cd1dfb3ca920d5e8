"""AWS's prices, read from prices.toml, and tiered prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from infra.config import toml

FILE = Path(__file__).parent / "prices.toml"


@dataclass(frozen=True)
class Tier:
    """A price in dollars per unit, for the next `units`; None: for all further units."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    usd: float
    units: int | None = None


@dataclass(frozen=True)
class LambdaPrices:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    request: float
    gigabyte_second: dict[str, float]  # by architecture


@dataclass(frozen=True)
class SqsPrices:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    request: float


@dataclass(frozen=True)
class SnsPrices:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    publish: float


@dataclass(frozen=True)
class S3Prices:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    put: float
    get: float
    gigabyte_month: tuple[Tier, ...]


@dataclass(frozen=True)
class DynamoPrices:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    write: float
    read: float
    gigabyte_month: float
    recovery_gigabyte_month: float


@dataclass(frozen=True)
class LogPrices:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    gigabyte: float


@dataclass(frozen=True)
class AlarmPrices:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    month: float


@dataclass(frozen=True)
class FreeTier:
    """The free amounts of a month."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    lambda_requests: int
    lambda_gigabyte_seconds: int
    sqs_requests: int
    sns_publishes: int
    dynamodb_gigabytes: int
    log_gigabytes: int


@dataclass(frozen=True)
class Group:
    """Detections that share price tiers; ``free`` is in pictures a month."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    tiers: tuple[Tier, ...]
    free: int


@dataclass(frozen=True)
class Prices:
    """List prices in US dollars, in one region, on one day."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    dated: str
    region: str
    functions: LambdaPrices
    sqs: SqsPrices
    sns: SnsPrices
    s3: S3Prices
    dynamodb: DynamoPrices
    logs: LogPrices
    alarms: AlarmPrices
    free: FreeTier
    groups: dict[str, Group]
    detections: dict[str, str]  # the group of each detection, by its name in DETECT

    def __post_init__(self) -> None:
        for detection, group in self.detections.items():
            if group not in self.groups:
                raise ValueError(f"detections.{detection}: there is no group {group!r}")

    @classmethod
    def load(cls, path: Path = FILE) -> "Prices":
        """Read the file. InfraError names the field that is missing, unknown or wrong."""
        fields = toml.read(path)
        fields["functions"] = fields.pop("lambda", None)  # a keyword in Python
        return toml.build(cls, fields, path)

    def detection(self, name: str) -> float:
        """The price of one picture in dollars, in the first tier."""
        return self.groups[self.detections[name]].tiers[0].usd


def tiered(units: float, tiers: Sequence[Tier]) -> float:
    """The price of so many units in dollars, each at the price of its tier."""
    usd, remaining = 0.0, units
    for tier in tiers:
        in_tier = remaining if tier.units is None else min(remaining, tier.units)
        usd += in_tier * tier.usd
        remaining -= in_tier
    return usd
