"""The operations on offer. A further one is a file beside detect_labels.py, and a line here."""

from collections.abc import Callable, Mapping
from typing import Final

import botocore.session

from infra.local.rekognition.compare_faces import CompareFaces
from infra.local.rekognition.detect_faces import DetectFaces
from infra.local.rekognition.detect_labels import DetectLabels
from infra.local.rekognition.detect_moderation_labels import DetectModerationLabels
from infra.local.rekognition.detect_text import DetectText
from infra.local.rekognition.faults import Faults, Plan
from infra.local.rekognition.fixtures import Fixtures
from infra.local.rekognition.networks import Networks
from infra.local.rekognition.protocol import Operation, Perform, Rekognition
from infra.local.rekognition.sources import Sources

Make = Callable[[Networks, Sources], Perform]

# Without a fault that was asked for.
HONEST: Final = Plan()

OPERATIONS: Final[Mapping[str, Make]] = {
    "CompareFaces": CompareFaces,
    "DetectFaces": DetectFaces,
    "DetectLabels": DetectLabels,
    "DetectModerationLabels": DetectModerationLabels,
    "DetectText": DetectText,
}


def rekognition(networks: Networks, sources: Sources, plan: Plan = HONEST) -> Rekognition:
    """The service that looks at the pixels; nothing is loaded before it is asked for."""
    return offering({name: make(networks, sources) for name, make in OPERATIONS.items()}, plan)


def recording(networks: Networks, fixtures: Fixtures, sources: Sources, plan: Plan) -> Rekognition:
    """The same, with every answer kept."""
    performers = {
        name: fixtures.recording(name, make(networks, sources)) for name, make in OPERATIONS.items()
    }
    return offering(performers, plan)


def replaying(fixtures: Fixtures, plan: Plan) -> Rekognition:
    """The service that gives recorded answers; it needs no weights."""
    return offering({name: fixtures.replaying(name) for name in OPERATIONS}, plan)


def offering(performers: Mapping[str, Perform], plan: Plan = HONEST) -> Rekognition:
    """The service that lets these perform its operations, each with the shape botocore gives it."""
    service = botocore.session.get_session().get_service_model("rekognition")
    operations = {
        name: Operation(service.operation_model(name).input_shape, perform)
        for name, perform in performers.items()
    }
    return Rekognition(operations, Faults(plan))
