"""The supported operations and models. To add one, write its module and register it here."""

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
from infra.rekognition.faults import FaultPlan, Faults
from infra.rekognition.fixtures import Fixtures
from infra.rekognition.networks import Networks
from infra.rekognition.protocol import Operation, OperationHandler, Rekognition
from infra.rekognition.services import Services
from infra.rekognition.sources import Sources
from infra.rekognition.titan_embed_image import TitanEmbedImage

CreateHandler = Callable[[Networks, Sources], OperationHandler]

NO_FAULTS: Final = FaultPlan()

OPERATIONS: Final[Mapping[str, CreateHandler]] = {
    "CompareFaces": CompareFaces,
    "DetectFaces": DetectFaces,
    "DetectLabels": DetectLabels,
    "DetectModerationLabels": DetectModerationLabels,
    "DetectText": DetectText,
}
MODELS: Final[Mapping[str, CreateHandler]] = {titan_embed_image.MODEL_ID: TitanEmbedImage}
ALL: Final = {**OPERATIONS, **MODELS}


def live_services(networks: Networks, sources: Sources, plan: FaultPlan = NO_FAULTS) -> Services:
    """Services that analyze pictures with the networks. A network is loaded at its first use."""
    handlers = {name: create(networks, sources) for name, create in ALL.items()}
    return build_services(handlers, plan)


def recording_services(
    networks: Networks, fixtures: Fixtures, sources: Sources, plan: FaultPlan
) -> Services:
    """Services that analyze pictures and store every response in the fixtures."""
    handlers = {
        name: fixtures.recording(name, create(networks, sources)) for name, create in ALL.items()
    }
    return build_services(handlers, plan)


def replaying_services(fixtures: Fixtures, plan: FaultPlan) -> Services:
    """Services that replay recorded responses. They need no weights."""
    return build_services({name: fixtures.replaying(name) for name in ALL}, plan)


def build_services(
    handlers: Mapping[str, OperationHandler], plan: FaultPlan = NO_FAULTS
) -> Services:
    """Services with these handlers, by operation name or model id.

    An operation's parameters have the shape that botocore defines.
    """
    rekognition = botocore.session.get_session().get_service_model("rekognition")
    operations = {
        name: Operation(rekognition.operation_model(name).input_shape, handle)
        for name, handle in handlers.items()
        if name not in MODELS
    }
    models = {
        name: Model(titan_embed_image.read_request, handle)
        for name, handle in handlers.items()
        if name in MODELS
    }
    return Services(Rekognition(operations), Bedrock(models), Faults(plan))
