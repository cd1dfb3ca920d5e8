"""Bedrock's InvokeModel (REST and JSON) without the wire: a model by its id, in Bedrock's words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.parameters import Parameters
from infra.rekognition.protocol import Answer, Call, Perform, check_signed

PREFIX: Final = "/model/"
INVOKE: Final = re.compile(rf"{PREFIX}(?P<model>[^/]+)/invoke")
# A model may be named by its ARN, whose last part is its id.
FOUNDATION_MODEL: Final = "foundation-model/"

CONTENT_TYPE: Final = "application/json"
INTERNAL: Final = "InternalServerException"
# Of the errors that InvokeModel has; all else is about what was asked, and a 400.
STATUS: Final = {
    Code.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Code.RESOURCE_NOT_FOUND: HTTPStatus.NOT_FOUND,
    Code.THROTTLING: HTTPStatus.TOO_MANY_REQUESTS,
    Code.UNKNOWN_OPERATION: HTTPStatus.NOT_FOUND,
    Code.UNRECOGNIZED_CLIENT: HTTPStatus.FORBIDDEN,
}


@dataclass(frozen=True)
class Model:
    """How the body of a request for it is read, and what answers that."""

    read: Callable[[bytes], Parameters]
    answer: Perform


class Bedrock:
    """Every model that is offered, by id."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = models

    @property
    def offered(self) -> list[str]:
        return list(self._models)

    def perform(self, call: Call) -> Answer:
        """Raises RekognitionError, which `refusal` puts into Bedrock's words."""
        model = self._model(call.path)
        check_signed(call.authorization, "bedrock")
        return Answer(HTTPStatus.OK, model.answer(model.read(call.body)), CONTENT_TYPE)

    def _model(self, path: str) -> Model:
        invoked = INVOKE.fullmatch(path)
        if invoked is None:
            message = f"{path}: this local Bedrock offers InvokeModel alone"
            raise RekognitionError(Code.UNKNOWN_OPERATION, message)
        name = unquote(invoked["model"]).rpartition(FOUNDATION_MODEL)[2]
        if name not in self._models:
            message = f"{name}: this local Bedrock has no such model, but {', '.join(self.offered)}"
            raise RekognitionError(Code.RESOURCE_NOT_FOUND, message)
        return self._models[name]

    def refusal(self, error: RekognitionError) -> Answer:
        """REST's way: the error's name is in a header."""
        status = STATUS.get(error.code, HTTPStatus.BAD_REQUEST)
        body: dict[str, Any] = {"message": str(error)}
        return Answer(status, body, CONTENT_TYPE, error_type=_name(error.code))


def _name(code: Code) -> str:
    """What Rekognition says of a picture in a word of its own, Bedrock says in one for all."""
    if code is Code.INTERNAL:
        return INTERNAL
    return code.value if code in STATUS else Code.VALIDATION.value
