"""The prices, read from prices.toml; and what an amount costs that goes through tiers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from infra.config import toml

FILE = Path(__file__).parent / "prices.toml"


@dataclass(frozen=True)
class Tier:
    """A price in dollars for each of the next so many units; None: for all that follow."""

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
    """What a month has for nothing."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    lambda_requests: int
    lambda_gigabyte_seconds: int
    sqs_requests: int
    sns_publishes: int
    dynamodb_gigabytes: int
    log_gigabytes: int


@dataclass(frozen=True)
class Group:
    """Detections whose pictures go through the same tiers; ``free`` pictures a month."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    tiers: tuple[Tier, ...]
    free: int


@dataclass(frozen=True)
class Prices:
    """US dollars, in one region, on one day."""

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
    detections: dict[str, str]  # the group of each, by the word that DETECT has for it

    def __post_init__(self) -> None:
        for word, group in self.detections.items():
            if group not in self.groups:
                raise ValueError(f"detections.{word}: there is no group {group!r}")

    @classmethod
    def load(cls, path: Path = FILE) -> "Prices":
        """Read them; InfraError names the field that is missing, unknown or wrong."""
        read = toml.read(path)
        read["functions"] = read.pop("lambda", None)  # a word that Python keeps for itself
        return toml.build(cls, read, path)

    def detection(self, word: str) -> float:
        """Dollars for one picture, before any tier is used up."""
        return self.groups[self.detections[word]].tiers[0].usd


def tiered(units: float, tiers: Sequence[Tier]) -> float:
    """Dollars for so many units, each at the price of the tier that it falls into."""
    usd, left = 0.0, units
    for tier in tiers:
        taken = left if tier.units is None else min(left, tier.units)
        usd += taken * tier.usd
        left -= taken
    return usd
