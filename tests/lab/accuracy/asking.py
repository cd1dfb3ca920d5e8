"""The operations, asked directly: the same code as behind HTTP, without it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.rekognition.networks import Networks
from infra.rekognition.operations import ALL
from infra.rekognition.protocol import Perform
from infra.rekognition.sources import Sources


def asking(weights: Path) -> dict[str, Callable[..., Mapping[str, Any]]]:
    """By operation or model, what takes its parameters by name, as boto3's methods do."""
    networks, sources = Networks(weights, threads=1), Sources()
    return {name: _by_name(make(networks, sources)) for name, make in ALL.items()}


def _by_name(perform: Perform) -> Callable[..., Mapping[str, Any]]:
    return lambda **parameters: perform(parameters)
