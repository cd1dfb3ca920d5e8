"""What each service declares of itself: its service.toml, as a value."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from infra.config import toml
from infra.errors import InfraError

ROOT = Path(__file__).resolve().parents[2]

# The notification of S3; it comes from the uploads bucket, never through the events topic.
UPLOADED = "image.uploaded.v1"

NAME = re.compile(r"[a-z][a-z0-9_]*")
ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z]+")
PLACE = re.compile(
    r"(uploads|processed)(/.+)?|records(/index/[a-z-]+)?|ledger|events|notifications|bus"
    r"|model/[a-z0-9.:-]+|\*"
)
RATE = re.compile(
    r"rate\((?:1 (?P<one>minute|hour|day)|(?P<number>[2-9]|[1-9]\d+) (?P<unit>minute|hour|day)s)\)"
)
UNITS = {"minute": 60, "hour": 3600, "day": 86_400}  # s
LONGEST_RATE = 86_400  # s; as long as EventBridge Scheduler tries to begin a run


@dataclass(frozen=True)
class Allow:
    """Actions a service may take beyond those that every service is granted.

    `on` is a place in Darkroom's own words: uploads, uploads/<prefix>*, processed,
    processed/<prefix>*, records, records/index/<name>, ledger, events, notifications; bus, the
    account's default event bus; model/<id>, one of Bedrock's; or "*" for what AWS gives no
    resource. `prefix` narrows s3:ListBucket.
    """

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    actions: tuple[str, ...]
    on: str
    prefix: str | None = None

    def __post_init__(self) -> None:
        for action in self.actions:
            if not ACTION.fullmatch(action):
                raise ValueError(f"{action!r} is not one action, such as s3:GetObject")
        if not PLACE.fullmatch(self.on):
            raise ValueError(f"on = {self.on!r} is no place that Darkroom has")


@dataclass(frozen=True)
class Function:
    """The Lambda function of a service and how queues feed it. The bounds are Lambda's.

    What may be None is said of a queue, and by every service that a queue feeds.
    """

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    memory: Annotated[int, Field(ge=128, le=10240)]  # MB
    timeout: Annotated[int, Field(ge=1, le=900)]  # s
    worst_case: Annotated[int, Field(ge=1)]  # s for one record, one page of a sweep, or one request
    batch: Annotated[int, Field(ge=1, le=10_000)] | None = None  # records an invocation, at most
    concurrency: Annotated[int, Field(ge=2, le=1000)] | None = None  # batches at a time, at most
    max_attempts: Annotated[int, Field(ge=1)] | None = None  # real tries of one event
    window: Annotated[int, Field(ge=0, le=300)] = 0  # s to wait for a batch to fill
    architecture: Literal["arm64", "x86_64"] | None = None  # None leaves it to the stage

    def __post_init__(self) -> None:
        if self.worst_case >= self.timeout:
            raise ValueError(f"worst_case must be below timeout = {self.timeout}")
        if (self.batch or 0) > 10 and self.window == 0:  # noqa: PLR2004  Lambda's limit, said below
            raise ValueError("a batch above 10 needs a window of at least 1 s")

    def runs_on(self, stages: str) -> str:
        """Its own architecture, or else the stage's."""
        return self.architecture or stages


@dataclass(frozen=True)
class Definition:
    """One service: what it answers and announces, what it needs, and how it runs."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    folder: Path
    name: str
    purpose: str
    uploads: bool  # S3 notifies its queue of each new object
    consumes: tuple[str, ...]
    publishes: tuple[str, ...]
    requires: tuple[str, ...]  # dependency groups in pyproject.toml
    function: Function
    claims: bool = True  # it works under the ledger's leases; not if all it does is decide
    rescues: bool = False  # it is fed by the other services' dead-letter queues
    schedule: str | None = None  # nothing feeds it: it runs so often, such as rate(1 hour)
    http: bool = False  # API Gateway hands it requests, and waits for its answers
    optional: bool = False  # it runs only where a stage names it under `also`
    allow: tuple[Allow, ...] = ()

    def __post_init__(self) -> None:
        if self.name != self.folder.name:
            raise ValueError(f"name = {self.name!r} differs from its folder")
        if not NAME.fullmatch(self.name):
            raise ValueError(f"name = {self.name!r} is not lower case letters, digits and _")
        if self.uploads != (UPLOADED in self.consumes):
            raise ValueError(f"uploads = true and answering {UPLOADED} go together")
        fed = [bool(self.consumes), self.rescues, bool(self.schedule), self.http]
        if fed.count(True) != 1:
            raise ValueError(
                "a service answers events, or rescues dead letters, or runs on a schedule, or "
                "answers HTTP"
            )
        self._check_how_it_is_fed()

    def _check_how_it_is_fed(self) -> None:
        run = self.function
        given = {run.batch is not None, run.concurrency is not None, run.max_attempts is not None}
        if given != {not (self.schedule or self.http)}:
            raise ValueError(
                "batch, concurrency and max_attempts go with queues, and with them alone"
            )
        if self.schedule and not 0 < self.every <= LONGEST_RATE:
            raise ValueError(f"schedule = {self.schedule!r} is not one such as rate(1 hour)")

    @property
    def root(self) -> Path:
        """The checkout that the service belongs to."""
        return self.folder.parent.parent

    @property
    def queued(self) -> bool:
        """Whether it has a queue of its own, and with it a dead-letter queue."""
        return bool(self.consumes)

    @property
    def every(self) -> int:
        """Seconds from one run of a scheduled service to the next; 0 for any other."""
        if not (read := RATE.fullmatch(self.schedule or "")):
            return 0
        return int(read["number"] or 1) * UNITS[read["one"] or read["unit"]]

    @property
    def subscribes(self) -> tuple[str, ...]:
        """The event types that the events topic delivers to its queue."""
        return tuple(kind for kind in self.consumes if kind != UPLOADED)


def definitions(root: Path = ROOT) -> tuple[Definition, ...]:
    """Read every services/<name>/service.toml under `root`, in the order of their names.

    InfraError names the file and the field that is missing, unknown or wrong.
    """
    found = tuple(_read(path) for path in sorted(root.glob("services/*/service.toml")))
    _check_uploads(found)
    return found


def _read(path: Path) -> Definition:
    return toml.build(Definition, toml.read(path) | {"folder": path.parent}, path)


def _check_uploads(found: Iterable[Definition]) -> None:
    names = [definition.name for definition in found if definition.uploads]
    if len(names) > 1:  # S3 refuses two notifications for the same kind of event
        raise InfraError(f"only one service can have uploads = true, not {' and '.join(names)}")
