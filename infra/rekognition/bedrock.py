"""Bedrock's InvokeModel (REST and JSON), independent of the HTTP server."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.parameters import Parameters
from infra.rekognition.protocol import OperationHandler, Request, Response, check_signed

PREFIX: Final = "/model/"
INVOKE: Final = re.compile(rf"{PREFIX}(?P<model>[^/]+)/invoke")
# A request names a model by its id or by its ARN, which ends with the id.
FOUNDATION_MODEL: Final = "foundation-model/"

CONTENT_TYPE: Final = "application/json"
INTERNAL: Final = "InternalServerException"
# InvokeModel's HTTP statuses. Every other error is a fault of the request: 400.
STATUS: Final = {
    Code.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Code.RESOURCE_NOT_FOUND: HTTPStatus.NOT_FOUND,
    Code.THROTTLING: HTTPStatus.TOO_MANY_REQUESTS,
    Code.UNKNOWN_OPERATION: HTTPStatus.NOT_FOUND,
    Code.UNRECOGNIZED_CLIENT: HTTPStatus.FORBIDDEN,
}


@dataclass(frozen=True)
class Model:
    """A model: how to read a request's body, and the function that handles the result."""

    read: Callable[[bytes], Parameters]
    handle: OperationHandler


class Bedrock:
    """The supported models, by id."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = models

    @property
    def model_ids(self) -> list[str]:
        """The ids of the supported models."""
        return list(self._models)

    def handle(self, request: Request) -> Response:
        """Run the requested model. Raises RekognitionError; see `error_response`."""
        model = self._model(request.path)
        check_signed(request.authorization, "bedrock")
        return Response(HTTPStatus.OK, model.handle(model.read(request.body)), CONTENT_TYPE)

    def _model(self, path: str) -> Model:
        match = INVOKE.fullmatch(path)
        if match is None:
            message = f"{path}: this local Bedrock supports InvokeModel only"
            raise RekognitionError(Code.UNKNOWN_OPERATION, message)
        model_id = unquote(match["model"]).rpartition(FOUNDATION_MODEL)[2]
        if model_id not in self._models:
            supported = ", ".join(self.model_ids)
            message = f"{model_id}: no such model in this local Bedrock; it has {supported}"
            raise RekognitionError(Code.RESOURCE_NOT_FOUND, message)
        return self._models[model_id]

    def error_response(self, error: RekognitionError) -> Response:
        """The error as a response. REST protocols name the error in a header."""
        status = STATUS.get(error.code, HTTPStatus.BAD_REQUEST)
        body: dict[str, Any] = {"message": str(error)}
        return Response(status, body, CONTENT_TYPE, error_type=_name(error.code))


def _name(code: Code) -> str:
    """The name Bedrock has for the error: ValidationException for every fault of a picture."""
    if code is Code.INTERNAL:
        return INTERNAL
    return code.value if code in STATUS else Code.VALIDATION.value
