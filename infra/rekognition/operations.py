"""The operations on offer, and Bedrock's models. A further one is a file and a line here."""

from collections.abc import Callable, Mapping
from typing import Final

import botocore.session

from infra.rekognition import titan_embed_image
from infra.rekognition.bedrock import Bedrock, Model
from infra.rekognition.compare_faces import CompareFaces
from infra.rekognition.detect_faces import DetectFaces
from infra.rekognition.detect_labels import DetectLabels
from infra.rekognition.detect_moderation_labels import DetectModerationLabels
from infra.rekognition.detect_text import DetectText
from infra.rekognition.faults import Faults, Plan
from infra.rekognition.fixtures import Fixtures
from infra.rekognition.networks import Networks
from infra.rekognition.protocol import Operation, Perform, Rekognition
from infra.rekognition.services import Services
from infra.rekognition.sources import Sources
from infra.rekognition.titan_embed_image import TitanEmbedImage

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
MODELS: Final[Mapping[str, Make]] = {titan_embed_image.MODEL_ID: TitanEmbedImage}
ALL: Final = {**OPERATIONS, **MODELS}


def looking(networks: Networks, sources: Sources, plan: Plan = HONEST) -> Services:
    """The services that look at the pixels; nothing is loaded before it is asked for."""
    return offering({name: make(networks, sources) for name, make in ALL.items()}, plan)


def recording(networks: Networks, fixtures: Fixtures, sources: Sources, plan: Plan) -> Services:
    """The same, with every answer kept."""
    performers = {
        name: fixtures.recording(name, make(networks, sources)) for name, make in ALL.items()
    }
    return offering(performers, plan)


def replaying(fixtures: Fixtures, plan: Plan) -> Services:
    """The services that give recorded answers; they need no weights."""
    return offering({name: fixtures.replaying(name) for name in ALL}, plan)


def offering(performers: Mapping[str, Perform], plan: Plan = HONEST) -> Services:
    """The services that let these perform: operations, each with the shape botocore gives it, and
    models.
    """
    service = botocore.session.get_session().get_service_model("rekognition")
    operations = {
        name: Operation(service.operation_model(name).input_shape, perform)
        for name, perform in performers.items()
        if name not in MODELS
    }
    models = {
        name: Model(titan_embed_image.read_request, perform)
        for name, perform in performers.items()
        if name in MODELS
    }
    return Services(Rekognition(operations), Bedrock(models), Faults(plan))
