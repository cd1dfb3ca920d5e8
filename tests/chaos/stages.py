"""The two stages that are deployed for a run: one with short timeouts, one with crowded batches."""

from dataclasses import replace
from pathlib import Path

from infra.stages import Stage

EXITS = Path(__file__).parent / "exits"

SHORT = {"timeout": 6, "worst_case": 3, "batch": 3}
"""Seconds and records. A lease lasts 16 s then, and a killed function's messages as long."""
CONCURRENCY = 4

CROWDED = {"timeout": 10, "worst_case": 5, "batch": 50, "window": 1, "concurrency": 8}
"""Batches of 50, and time for about five records of ``WORK`` before the rest is handed back."""
WORK = {
    "s3 GetObject": 0.45,  # resize and analyze, once each
    "rekognition DetectLabels": 0.45,
    "dynamodb PutItem": 0.25,  # store: three of them for each image that completes
    "sns Publish notification": 0.9,
}
"""s that the emulator's answers take longer, so that a record takes close to a second."""
QUEUED = ("resize", "analyze", "store", "notify")


def chaos(proxy: str) -> Stage:
    """Short timeouts, so that a run in which many functions are killed takes minutes, not hours."""
    functions = {name: SHORT | {"concurrency": CONCURRENCY} for name in QUEUED}
    return _through(proxy, "chaos", functions)


def crowd(proxy: str) -> Stage:
    """Batches that hold ten times what their function has time for."""
    return _through(proxy, "crowd", {name: dict(CROWDED) for name in QUEUED})


def _through(proxy: str, name: str, functions: dict[str, dict[str, int]]) -> Stage:
    """The local stage, but its functions reach the emulator through the proxy only."""
    variables = {"AWS_ENDPOINT_URL": proxy, "PYTHONPATH": str(EXITS)}
    return replace(Stage.load("local"), name=name, variables=variables, functions=functions)
