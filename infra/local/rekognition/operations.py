"""The operations on offer. A further one is a file beside detect_labels.py, and a line here."""

from collections.abc import Mapping
from pathlib import Path

import botocore.session

from infra.local.rekognition.detect_faces import DetectFaces
from infra.local.rekognition.detect_labels import DetectLabels
from infra.local.rekognition.detect_moderation_labels import DetectModerationLabels
from infra.local.rekognition.detect_text import DetectText
from infra.local.rekognition.protocol import Operation, Perform, Rekognition
from infra.local.rekognition.sources import Sources


def rekognition(models: Path, threads: int) -> Rekognition:
    """The service over the weights in this folder; nothing is loaded before it is asked for.

    Each model computes on this many threads.
    """
    sources = Sources()
    return offering(
        {
            "DetectFaces": DetectFaces(models, threads, sources),
            "DetectLabels": DetectLabels(models, threads, sources),
            "DetectModerationLabels": DetectModerationLabels(models, threads, sources),
            "DetectText": DetectText(models, threads, sources),
        }
    )


def offering(performers: Mapping[str, Perform]) -> Rekognition:
    """The service that lets these perform its operations, each with the shape botocore gives it."""
    service = botocore.session.get_session().get_service_model("rekognition")
    return Rekognition(
        {
            name: Operation(service.operation_model(name).input_shape, perform)
            for name, perform in performers.items()
        }
    )
