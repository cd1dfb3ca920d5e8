"""The two stages that are deployed for a run: one with short timeouts, one with crowded batches."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infra.config.definitions import Definition, definitions
from infra.config.stages import Stage

EXITS = Path(__file__).parent / "exits"

SHORT = {"timeout": 6, "worst_case": 3, "batch": 3, "concurrency": 3}
"""Seconds and records. A lease lasts 16 s then, and a killed function's messages as long."""

CROWDED = {"timeout": 12, "worst_case": 8, "batch": 50, "window": 1, "concurrency": 4}
"""Batches of 50, and 4 s for records of which each takes two thirds of one; the rest goes back.

The 8 s for one record are for handing back 45, by a dozen functions at once on two cores.
"""
WORK = {
    "s3 GetObject": 0.6,  # resize and analyze, once for each image
    "dynamodb PutItem": 0.25,  # store, two or three times for each message
    "sns Publish notification": 0.6,
}
"""s that the emulator's answers take longer, so that so few records fit."""


def chaos(proxy: str) -> Stage:
    """Short timeouts, so that a run in which many functions are killed takes minutes, not hours."""
    return _through(proxy, "chaos", SHORT)


def crowd(proxy: str) -> Stage:
    """Batches that hold ten times what their function has time for."""
    return _through(proxy, "crowd", CROWDED)


def _through(proxy: str, name: str, function: Mapping[str, int]) -> Stage:
    """The local stage, but its functions reach the emulator through the proxy only."""
    variables = {"AWS_ENDPOINT_URL": proxy, "PYTHONPATH": str(EXITS)}
    local = Stage.load("local")
    functions = {service.name: dict(function) for service in queued(local)}
    return replace(local, name=name, variables=variables, functions=functions)


@dataclass(frozen=True)
class Fed:
    """A service that a queue feeds: how many records at a time, and how often at once; s."""

    name: str
    timeout: int
    batch: int
    concurrency: int
    attempts: int


def queued(stage: Stage) -> tuple[Fed, ...]:
    """The services that have a queue of their own, as this stage runs them."""
    return tuple(_fed(service) for service in stage.run(definitions()) if service.queued)


def _fed(service: Definition) -> Fed:
    run = service.function
    assert run.batch
    assert run.concurrency
    assert run.max_attempts
    return Fed(service.name, run.timeout, run.batch, run.concurrency, run.max_attempts)
