"""AWS's quotas for an account, read from quotas.toml."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from infra.config import toml

FILE = Path(__file__).parent / "quotas.toml"


@dataclass(frozen=True)
class EventSource:
    """How an SQS event source scales: concurrent batches."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    batches_at_start: int
    batches_a_minute: int
    most_batches: int
    most_concurrency: int

    def batches(self, seconds: float) -> float:
        """The most concurrent batches, so long after the first message arrived."""
        limit = self.batches_at_start + self.batches_a_minute * seconds / 60
        return min(self.most_batches, limit)


@dataclass(frozen=True)
class Account:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    concurrency: int


@dataclass(frozen=True)
class Detection:
    """A detection operation; ``rate`` is in calls a second."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    service: str
    operation: str
    rate: float


@dataclass(frozen=True)
class Dynamo:
    """Write units a second; ``doubling`` is in seconds."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    partition_writes: float
    table_writes: float
    new_table_writes: float
    doubling: float


@dataclass(frozen=True)
class Sns:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    publishes: float


@dataclass(frozen=True)
class S3:
    """Requests a second, for each partitioned prefix."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    prefix_puts: float
    prefix_gets: float


@dataclass(frozen=True)
class Quotas:
    """The quotas of one account in one region."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    dated: str
    event_source: EventSource
    account: Account
    detections: dict[str, Detection]  # by name in DETECT
    dynamodb: Dynamo
    sns: Sns
    s3: S3

    @classmethod
    def load(cls, path: Path = FILE) -> "Quotas":
        """Read the file. InfraError names the field that is missing, unknown or wrong."""
        return toml.build(cls, toml.read(path), path)

    def raised(
        self,
        *,
        detections: float | None = None,
        concurrency: int | None = None,
        warm_writes: float | None = None,
    ) -> "Quotas":
        """The quotas with an account's own values.

        They are the rate of each detection, the concurrency of all functions, and the write units a
        second that on-demand tables accept at the start.
        """
        rates = self.detections
        if detections is not None:
            rates = {name: replace(quota, rate=detections) for name, quota in rates.items()}
        dynamodb = self.dynamodb
        if warm_writes is not None:
            most = max(dynamodb.table_writes, warm_writes)
            dynamodb = replace(dynamodb, new_table_writes=warm_writes, table_writes=most)
        account = self.account if concurrency is None else Account(concurrency)
        return replace(self, detections=rates, dynamodb=dynamodb, account=account)
