"""What one image takes of every service: how long each hop works, and what it asks of AWS."""

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
"""For one message: it is sent, received and deleted."""


@dataclass(frozen=True)
class Assumptions:
    """What was not measured (assumptions.toml says of each why it is assumed)."""

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
    """One service's answer to one event, as it was counted and measured."""

    service: str
    cpu: float  # s, on the machine that was measured on
    calls: Mapping[str, int]  # by service of AWS and operation
    reads: Mapping[str, int] = field(default_factory=dict)  # units, by table
    writes: Mapping[str, int] = field(default_factory=dict)  # units, by table or index
    partitions: Mapping[str, int] = field(default_factory=dict)  # units, by shared partition
    log_bytes: int = 0

    def to(self, service: str, operation: str = "") -> int:
        """Calls of one service of AWS, or of one operation of it."""
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

    def asking(self, detections: Iterable[str]) -> "HopWork":
        """The same hop where these are asked instead of what was counted."""
        others = {name: n for name, n in self.calls.items() if not name.startswith("rekognition:")}
        return replace(self, calls=others | {f"rekognition:{word}": 1 for word in detections})

    def seconds(self, function: Function, assumed: Assumptions) -> float:
        """How long a function of this size takes for one record."""
        share = min(1.0, function.memory / assumed.whole_cpu)
        return self.cpu * assumed.cpu_factor / share + self.waiting(assumed.latency)

    def waiting(self, latency: Mapping[str, float]) -> float:
        """Seconds of other people's work; detections are asked side by side."""
        waits = sum(self.to(name) * latency[name] for name in ("s3", "dynamodb", "sns"))
        return waits + (latency["detection"] if self.detections else 0.0)


@dataclass(frozen=True)
class Work:
    """All hops of an image as a stage runs them. ``reuse`` is the share of known content."""

    hops: Mapping[str, HopWork]
    functions: Mapping[str, Function]  # by service
    assumed: Assumptions
    kept: Mapping[str, int]  # bytes in tables and buckets
    measured: str  # the day
    reuse: float = 0.0

    @classmethod
    def load(
        cls,
        stage: Stage,
        everyone: Iterable[Definition],
        *,
        assumed: Assumptions | None = None,
        reuse: float = 0.0,
        folder: Path = FOLDER,
    ) -> "Work":
        """Of a stage, with the detections and the functions' sizes that it has."""
        usage, measured = _read(folder / "usage.json"), _read(folder / "measured.json")
        wanted = _asked(stage)
        hops = {name: _hop(name, usage["hops"], measured["hops"]) for name in usage["hops"]}
        asked = hops[ANALYZE].asking(wanted)
        return cls(
            hops=hops | {ANALYZE: asked},
            functions={one.name: one.function for one in stage.run(everyone)},
            assumed=assumed or Assumptions.load(),
            kept=usage["kept"] | measured["bytes"],
            measured=measured["measured"],
            reuse=reuse,
        )

    def each(self) -> Iterator[tuple[HopWork, float]]:
        """Every hop, and how often an image makes it."""
        for name, hop in self.hops.items():
            yield hop, {ANALYZE: 1 - self.reuse, REUSED: self.reuse}.get(name, 1.0)

    def seconds(self, hop: HopWork) -> float:
        """How long a record of this hop takes."""
        return hop.seconds(self.functions[hop.service], self.assumed)

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(hop.service for hop in self.hops.values()))

    def of(self, service: str) -> list[HopWork]:
        return [hop for hop in self.hops.values() if hop.service == service]

    def busy(self, service: str) -> float:
        """Seconds that an image keeps this service at work."""
        return sum(
            share * self.seconds(hop) for hop, share in self.each() if hop.service == service
        )

    def total(self, what: str) -> dict[str, float]:
        """By name, what an image takes of ``writes``, ``reads``, ``partitions`` or ``calls``."""
        found: defaultdict[str, float] = defaultdict(float)
        for hop, share in self.each():
            for name, units in getattr(hop, what).items():
                found[name] += units * share
        return dict(found)


def _asked(stage: Stage) -> tuple[str, ...]:
    """The detections that the stage has ``analyze`` ask for."""
    words = stage.variables_of("analyze").get("DETECT")
    default = AnalyzeSettings.model_fields["detect"].default
    return tuple(words.replace(",", " ").split()) if words is not None else tuple(map(str, default))


def _hop(name: str, counted: Mapping[str, Any], measured: Mapping[str, Any]) -> HopWork:
    if name not in measured:
        raise InfraError(
            f"{name} was counted, but not measured: python -m tests.lab.capacity.measure"
        )
    said = counted[name]
    return HopWork(
        service=name.partition("/")[0],
        cpu=measured[name]["cpu_ms"] / 1000,
        **{part: said[part] for part in ("calls", "reads", "writes", "partitions", "log_bytes")},
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InfraError(f"{path}: {error}") from error
