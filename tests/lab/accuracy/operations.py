"""The operations, called directly: the same code as behind HTTP, without the server."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.rekognition.networks import Networks
from infra.rekognition.operations import ALL
from infra.rekognition.protocol import OperationHandler
from infra.rekognition.sources import Sources

Operation = Callable[..., Mapping[str, Any]]


def operations(weights: Path) -> dict[str, Operation]:
    """Functions by operation name or model id, with keyword parameters like boto3's methods."""
    networks, sources = Networks(weights, threads=1), Sources()
    return {name: _with_keywords(create(networks, sources)) for name, create in ALL.items()}


def _with_keywords(handle: OperationHandler) -> Operation:
    return lambda **parameters: handle(parameters)
