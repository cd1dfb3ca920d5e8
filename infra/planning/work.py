"""The work of one image: the duration and the AWS calls of each hop."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict

from infra.config import toml
from infra.config.definitions import Definition, Function
from infra.config.stages import Stage
from infra.errors import InfraError
from services.analyze.settings import AnalyzeSettings

FOLDER = Path(__file__).parent

RESIZED, DECIDED = "store/image.resized.v1", "store/image.analyzed.v1"
UPLOADED, ANALYZE, NOTIFIED = (
    "resize/image.uploaded.v1",
    "analyze/image.resized.v1",
    "notify/image.completed.v1",
)
REUSED = f"{ANALYZE}/reused"

SQS_REQUESTS = 3
"""Requests for one message: send, receive and delete."""


@dataclass(frozen=True)
class Assumptions:
    """Values that were not measured; assumptions.toml gives their sources."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    dated: str
    cpu_factor: float
    whole_cpu: int
    platform_log: int
    latency: dict[str, float]

    @classmethod
    def load(cls, path: Path = FOLDER / "assumptions.toml") -> "Assumptions":
        return toml.build(cls, toml.read(path), path)


@dataclass(frozen=True)
class HopWork:
    """One hop as it was counted and measured."""

    service: str
    cpu: float  # s, on the measuring machine
    calls: Mapping[str, int]  # by AWS service and operation
    reads: Mapping[str, int] = field(default_factory=dict)  # units, by table
    writes: Mapping[str, int] = field(default_factory=dict)  # units, by table or index
    partitions: Mapping[str, int] = field(default_factory=dict)  # units, by shared partition
    log_bytes: int = 0

    def to(self, service: str, operation: str = "") -> int:
        """The number of calls to an AWS service, or to one operation of it."""
        return sum(
            count
            for name, count in self.calls.items()
            if name.startswith(f"{service}:") and name.endswith(operation)
        )

    @property
    def detections(self) -> tuple[str, ...]:
        return tuple(
            name.removeprefix("rekognition:")
            for name in self.calls
            if name.startswith("rekognition:")
        )

    def with_detections(self, detections: Iterable[str]) -> "HopWork":
        """The same hop with other detections."""
        others = {name: n for name, n in self.calls.items() if not name.startswith("rekognition:")}
        return replace(self, calls=others | {f"rekognition:{name}": 1 for name in detections})

    def seconds(self, function: Function, assumed: Assumptions) -> float:
        """The duration of one record in seconds, in this function."""
        share = min(1.0, function.memory / assumed.whole_cpu)
        return self.cpu * assumed.cpu_factor / share + self.waiting(assumed.latency)

    def waiting(self, latency: Mapping[str, float]) -> float:
        """Seconds of waiting for AWS. Detections are called concurrently."""
        waits = sum(self.to(name) * latency[name] for name in ("s3", "dynamodb", "sns"))
        return waits + (latency["detection"] if self.detections else 0.0)


@dataclass(frozen=True)
class Work:
    """All hops of an image in a stage. ``reuse`` is the share of images with known content."""

    hops: Mapping[str, HopWork]
    functions: Mapping[str, Function]  # by service
    assumed: Assumptions
    stored: Mapping[str, int]  # bytes in tables and buckets
    measured: str  # date
    reuse: float = 0.0

    @classmethod
    def load(
        cls,
        stage: Stage,
        services: Iterable[Definition],
        *,
        assumed: Assumptions | None = None,
        reuse: float = 0.0,
        folder: Path = FOLDER,
    ) -> "Work":
        """Read the counts and measurements, with the detections and functions of a stage."""
        usage, measured = _read(folder / "usage.json"), _read(folder / "measured.json")
        hops = {name: _hop(name, usage["hops"], measured["hops"]) for name in usage["hops"]}
        analyze = hops[ANALYZE].with_detections(_detections(stage))
        return cls(
            hops=hops | {ANALYZE: analyze},
            functions={service.name: service.function for service in stage.run(services)},
            assumed=assumed or Assumptions.load(),
            stored=usage["stored"] | measured["bytes"],
            measured=measured["measured"],
            reuse=reuse,
        )

    def each(self) -> Iterator[tuple[HopWork, float]]:
        """Every hop, and how often an image has it."""
        for name, hop in self.hops.items():
            yield hop, {ANALYZE: 1 - self.reuse, REUSED: self.reuse}.get(name, 1.0)

    def seconds(self, hop: HopWork) -> float:
        """The duration of one record of this hop, in seconds."""
        return hop.seconds(self.functions[hop.service], self.assumed)

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(hop.service for hop in self.hops.values()))

    def of(self, service: str) -> list[HopWork]:
        return [hop for hop in self.hops.values() if hop.service == service]

    def busy(self, service: str) -> float:
        """Seconds of work of this service for one image."""
        return sum(
            share * self.seconds(hop) for hop, share in self.each() if hop.service == service
        )

    def total(self, kind: str) -> dict[str, float]:
        """The sum for one image of ``writes``, ``reads``, ``partitions`` or ``calls``, by name."""
        sums: defaultdict[str, float] = defaultdict(float)
        for hop, share in self.each():
            for name, units in getattr(hop, kind).items():
                sums[name] += units * share
        return dict(sums)


def _detections(stage: Stage) -> tuple[str, ...]:
    """The detections that the stage configures for ``analyze``."""
    names = stage.variables_of("analyze").get("DETECT")
    default = AnalyzeSettings.model_fields["detect"].default
    return tuple(names.replace(",", " ").split()) if names is not None else tuple(map(str, default))


def _hop(name: str, counted: Mapping[str, Any], measured: Mapping[str, Any]) -> HopWork:
    if name not in measured:
        raise InfraError(
            f"{name} was counted but not measured; run: python -m tests.lab.capacity.measure"
        )
    counts = counted[name]
    return HopWork(
        service=name.partition("/")[0],
        cpu=measured[name]["cpu_ms"] / 1000,
        **{part: counts[part] for part in ("calls", "reads", "writes", "partitions", "log_bytes")},
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InfraError(f"{path}: {error}") from error
