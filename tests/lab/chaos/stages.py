"""The two stages to deploy: one with short timeouts, one with batches that are too large."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infra.config.definitions import Definition, definitions
from infra.config.stages import Stage

EXITS = Path(__file__).parent / "exits"

SHORT = {"timeout": 6, "worst_case": 3, "batch": 3, "concurrency": 3}
"""Seconds and records. A lease lasts 16 s, and so do the messages of a killed function."""

OVERLOADED = {"timeout": 12, "worst_case": 8, "batch": 50, "window": 1, "concurrency": 4}
"""Batches of 50 with 4 s for records that take two thirds of a second each; the rest is returned.

The worst case of 8 s covers returning 45 messages, by a dozen functions at once on two cores.
"""
WORK = {
    "s3 GetObject": 0.6,  # resize and analyze, once for each image
    "dynamodb PutItem": 0.25,  # store, two or three times for each message
    "sns Publish notification": 0.6,
}
"""Delays of the emulator's answers, s, so that only a few records of a batch fit."""


def chaos(proxy: str) -> Stage:
    """Short timeouts, so that a scenario with many killed functions takes minutes, not hours."""
    return _through(proxy, "chaos", SHORT)


def overloaded(proxy: str) -> Stage:
    """Batches of ten times as many records as their function has time for."""
    return _through(proxy, "overloaded", OVERLOADED)


def _through(proxy: str, name: str, function: Mapping[str, int]) -> Stage:
    """The local stage, with functions that reach the emulator through the proxy only."""
    variables = {"AWS_ENDPOINT_URL": proxy, "PYTHONPATH": str(EXITS)}
    local = Stage.load("local")
    functions = {service.name: dict(function) for service in queued(local)}
    return replace(local, name=name, variables=variables, functions=functions)


@dataclass(frozen=True)
class QueuedService:
    """A service with a queue. ``timeout`` is in seconds; ``batch`` counts records."""

    name: str
    timeout: int
    batch: int
    concurrency: int
    max_attempts: int


def queued(stage: Stage) -> tuple[QueuedService, ...]:
    """The services that have a queue, with this stage's settings."""
    return tuple(_queued(service) for service in stage.run(definitions()) if service.queued)


def _queued(service: Definition) -> QueuedService:
    function = service.function
    assert function.batch
    assert function.concurrency
    assert function.max_attempts
    return QueuedService(
        service.name,
        function.timeout,
        function.batch,
        function.concurrency,
        function.max_attempts,
    )
