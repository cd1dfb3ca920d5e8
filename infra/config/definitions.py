"""Service definitions: the contents of services/<name>/service.toml."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from infra.config import toml
from infra.errors import InfraError

ROOT = Path(__file__).resolve().parents[2]

# S3's notification. It comes from the uploads bucket and not through the events topic.
UPLOADED = "image.uploaded.v1"

NAME = re.compile(r"[a-z][a-z0-9_]*")
ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z]+")
RESOURCE = re.compile(
    r"(uploads|processed)(/.+)?|records(/index/[a-z-]+)?|ledger|events|notifications|bus"
    r"|model/[a-z0-9.:-]+|\*"
)
RATE = re.compile(
    r"rate\((?:1 (?P<one>minute|hour|day)|(?P<number>[2-9]|[1-9]\d+) (?P<unit>minute|hour|day)s)\)"
)
UNITS = {"minute": 60, "hour": 3600, "day": 86_400}  # s
LONGEST_RATE = 86_400  # s; the longest that EventBridge Scheduler retries an invocation


@dataclass(frozen=True)
class Allow:
    """IAM actions of a service beyond those that every service has.

    `on` is a resource alias: uploads, uploads/<prefix>*, processed, processed/<prefix>*, records,
    records/index/<name>, ledger, events, notifications; bus, the account's default event bus;
    model/<id>, a Bedrock model; or "*" for actions without a resource ARN. `prefix` restricts
    s3:ListBucket.
    """

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    actions: tuple[str, ...]
    on: str
    prefix: str | None = None

    def __post_init__(self) -> None:
        for action in self.actions:
            if not ACTION.fullmatch(action):
                raise ValueError(f"{action!r} is not an action such as s3:GetObject")
        if not RESOURCE.fullmatch(self.on):
            raise ValueError(f"on = {self.on!r} is not a resource alias of Darkroom")


@dataclass(frozen=True)
class Function:
    """The Lambda function of a service, and its event source. The bounds are Lambda's.

    batch, concurrency and max_attempts are set if the service receives from queues, and only then.
    """

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    memory: Annotated[int, Field(ge=128, le=10240)]  # MB
    timeout: Annotated[int, Field(ge=1, le=900)]  # s
    worst_case: Annotated[int, Field(ge=1)]  # s for one record, page or request
    batch: Annotated[int, Field(ge=1, le=10_000)] | None = None  # records per invocation, at most
    concurrency: Annotated[int, Field(ge=2, le=1000)] | None = None  # concurrent batches, at most
    max_attempts: Annotated[int, Field(ge=1)] | None = None  # attempts at one event
    window: Annotated[int, Field(ge=0, le=300)] = 0  # s to wait for a batch to fill
    architecture: Literal["arm64", "x86_64"] | None = None  # None: the stage's

    def __post_init__(self) -> None:
        if self.worst_case >= self.timeout:
            raise ValueError(f"worst_case must be below timeout = {self.timeout}")
        if (self.batch or 0) > 10 and self.window == 0:  # noqa: PLR2004  Lambda's limit, named below
            raise ValueError("a batch above 10 needs a window of at least 1 s")

    def runs_on(self, default: str) -> str:
        """The function's architecture, or else the stage's (`default`)."""
        return self.architecture or default


@dataclass(frozen=True)
class Definition:
    """A service: the events it consumes and publishes, its requirements, and its function."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    folder: Path
    name: str
    purpose: str
    uploads: bool  # S3 notifies its queue of each new object
    consumes: tuple[str, ...]
    publishes: tuple[str, ...]
    requires: tuple[str, ...]  # dependency groups in pyproject.toml
    function: Function
    claims: bool = True  # its steps claim events in the ledger; `store` decides without claims
    rescues: bool = False  # its event sources are the other services' dead-letter queues
    schedule: str | None = None  # invoked at this rate, such as rate(1 hour)
    http: bool = False  # invoked by API Gateway, synchronously
    optional: bool = False  # deployed only to stages that list it under `also`
    allow: tuple[Allow, ...] = ()

    def __post_init__(self) -> None:
        if self.name != self.folder.name:
            raise ValueError(f"name = {self.name!r} differs from its folder")
        if not NAME.fullmatch(self.name):
            raise ValueError(f"name = {self.name!r} is not lower case letters, digits and _")
        if self.uploads != (UPLOADED in self.consumes):
            raise ValueError(f"uploads = true and consuming {UPLOADED} go together")
        triggers = [bool(self.consumes), self.rescues, bool(self.schedule), self.http]
        if triggers.count(True) != 1:
            raise ValueError(
                "a service has one trigger: it consumes events, or rescues dead letters, or runs "
                "on a schedule, or serves HTTP"
            )
        self._check_trigger()

    def _check_trigger(self) -> None:
        run = self.function
        queue_settings = {
            run.batch is not None,
            run.concurrency is not None,
            run.max_attempts is not None,
        }
        if queue_settings != {not (self.schedule or self.http)}:
            raise ValueError(
                "batch, concurrency and max_attempts are for services that receive from queues"
            )
        if self.schedule and not 0 < self.every <= LONGEST_RATE:
            raise ValueError(f"schedule = {self.schedule!r} is not a rate such as rate(1 hour)")

    @property
    def root(self) -> Path:
        """The checkout that contains the service."""
        return self.folder.parent.parent

    @property
    def queued(self) -> bool:
        """Whether the service has a queue and a dead-letter queue."""
        return bool(self.consumes)

    @property
    def every(self) -> int:
        """Seconds between two runs of a scheduled service; 0 without a schedule."""
        if not (rate := RATE.fullmatch(self.schedule or "")):
            return 0
        return int(rate["number"] or 1) * UNITS[rate["one"] or rate["unit"]]

    @property
    def subscribes(self) -> tuple[str, ...]:
        """The event types that the events topic delivers to the service's queue."""
        return tuple(kind for kind in self.consumes if kind != UPLOADED)


def definitions(root: Path = ROOT) -> tuple[Definition, ...]:
    """Read every services/<name>/service.toml under `root`, sorted by name.

    InfraError names the file and the field that is missing, unknown or wrong.
    """
    services = tuple(_read(path) for path in sorted(root.glob("services/*/service.toml")))
    _check_uploads(services)
    return services


def _read(path: Path) -> Definition:
    return toml.build(Definition, toml.read(path) | {"folder": path.parent}, path)


def _check_uploads(services: Iterable[Definition]) -> None:
    names = [definition.name for definition in services if definition.uploads]
    if len(names) > 1:  # S3 refuses two notifications for the same kind of event
        raise InfraError(f"only one service can have uploads = true, not {' and '.join(names)}")
