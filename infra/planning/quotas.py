"""What AWS allows an account, read from quotas.toml."""

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
        """How many at most, so long after the first message came."""
        grown = self.batches_at_start + self.batches_a_minute * seconds / 60
        return min(self.most_batches, grown)


@dataclass(frozen=True)
class Account:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    concurrency: int


@dataclass(frozen=True)
class Detection:
    """``rate``: calls of the operation a second."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    service: str
    operation: str
    rate: float


@dataclass(frozen=True)
class Dynamo:
    """Write units a second; ``doubling`` in seconds."""

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
    """Of one account in one region."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    dated: str
    event_source: EventSource
    account: Account
    detections: dict[str, Detection]  # by the word that DETECT has for it
    dynamodb: Dynamo
    sns: Sns
    s3: S3

    @classmethod
    def load(cls, path: Path = FILE) -> "Quotas":
        """Read them; InfraError names the field that is missing, unknown or wrong."""
        return toml.build(cls, toml.read(path), path)

    def raised(
        self,
        *,
        detections: float | None = None,
        concurrency: int | None = None,
        warm_writes: float | None = None,
    ) -> "Quotas":
        """With what an account was granted: each detection's rate, the functions' concurrency, and
        what on-demand tables take from their first second.
        """
        given = self.detections
        if detections is not None:
            given = {word: replace(one, rate=detections) for word, one in given.items()}
        dynamodb = self.dynamodb
        if warm_writes is not None:
            most = max(dynamodb.table_writes, warm_writes)
            dynamodb = replace(dynamodb, new_table_writes=warm_writes, table_writes=most)
        account = self.account if concurrency is None else Account(concurrency)
        return replace(self, detections=given, dynamodb=dynamodb, account=account)
