"""The operations on offer. A further one is a file beside detect_labels.py, and a line here."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import botocore.session

from infra.local.rekognition.compare_faces import CompareFaces
from infra.local.rekognition.detect_faces import DetectFaces
from infra.local.rekognition.detect_labels import DetectLabels
from infra.local.rekognition.detect_moderation_labels import DetectModerationLabels
from infra.local.rekognition.detect_text import DetectText
from infra.local.rekognition.networks import Networks
from infra.local.rekognition.protocol import Operation, Perform, Rekognition
from infra.local.rekognition.sources import Sources

Make = Callable[[Networks, Sources], Perform]

OPERATIONS: Final[Mapping[str, Make]] = {
    "CompareFaces": CompareFaces,
    "DetectFaces": DetectFaces,
    "DetectLabels": DetectLabels,
    "DetectModerationLabels": DetectModerationLabels,
    "DetectText": DetectText,
}


def rekognition(models: Path, threads: int) -> Rekognition:
    """The service over the weights in this folder; nothing is loaded before it is asked for.

    Each model computes on this many threads.
    """
    networks, sources = Networks(models, threads), Sources()
    return offering({name: make(networks, sources) for name, make in OPERATIONS.items()})


def offering(performers: Mapping[str, Perform]) -> Rekognition:
    """The service that lets these perform its operations, each with the shape botocore gives it."""
    service = botocore.session.get_session().get_service_model("rekognition")
    return Rekognition(
        {
            name: Operation(service.operation_model(name).input_shape, perform)
            for name, perform in performers.items()
        }
    )
