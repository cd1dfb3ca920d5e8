"""The seeds' design as work of the same shape as ours, so that one bill fits both."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from infra.config import toml
from infra.config.definitions import Function
from infra.planning.work import ANALYZE, DECIDED, TOLD, UPLOADED, Hop, Work

FILE = Path(__file__).parent / "seed.toml"
AS_OURS = {"resize": UPLOADED, "analyze": ANALYZE, "store": DECIDED, "notify": TOLD}
"""The hop of ours that each of theirs is like, where seed.toml says nothing else."""


@dataclass(frozen=True)
class SeedHop:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    memory: int
    calls: dict[str, int]
    writes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Seed:
    """What seed.toml says of their design."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    detections: tuple[str, ...]
    record_bytes: int
    hops: dict[str, SeedHop]

    @classmethod
    def load(cls, path: Path = FILE) -> "Seed":
        return toml.build(cls, toml.read(path), path)


def seed_work(ours: Work, detections: tuple[str, ...] | None = None) -> Work:
    """Their design over our measurements; with their one detection, or with these."""
    seed = Seed.load()
    asked = seed.detections if detections is None else detections
    hops = {name: _hop(name, said, ours) for name, said in seed.hops.items()}
    hops["analyze"] = hops["analyze"].asking(asked)
    return Work(
        hops={AS_OURS[name]: hop for name, hop in hops.items()},
        functions={name: _function(ours.functions[name], said) for name, said in seed.hops.items()},
        assumed=ours.assumed,
        kept={**ours.kept, "records": seed.record_bytes, "ledger": 0},
        measured=ours.measured,
        naive=ours.naive,
    )


def _hop(name: str, said: SeedHop, ours: Work) -> Hop:
    like = ours.hops[AS_OURS[name]]
    return Hop(
        service=name,
        cpu=ours.naive if name == "resize" else like.cpu,
        calls=said.calls,
        writes=said.writes,
        log_bytes=like.log_bytes,
    )


def _function(ours: Function, said: SeedHop) -> Function:
    return replace(ours, memory=said.memory)
