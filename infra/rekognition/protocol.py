"""Rekognition's wire protocol (AWS JSON 1.1) without the wire: a call in, an answer out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from botocore.model import StructureShape

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.parameters import Parameters, read_parameters

Perform = Callable[[Parameters], Mapping[str, Any]]

TARGET_PREFIX: Final = "RekognitionService."
SIGNED: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/,]+/\d{8}/[^/]+/(?P<service>[a-z]+)/aws4_request"
)


@dataclass(frozen=True)
class Call:
    """What matters of a request: its path, two headers and the body."""

    path: str
    target: str
    authorization: str
    body: bytes

    @property
    def name(self) -> str:
        """The operation; where the protocol has it in the path, that."""
        return self.target.partition(".")[2] or self.path


@dataclass(frozen=True)
class Answer:
    """The HTTP status, and what goes into the body as JSON.

    `error_type` is an error's name where the protocol has it in a header.
    """

    status: int
    body: Mapping[str, Any]
    content_type: str = "application/x-amz-json-1.1"
    error_type: str = ""


@dataclass(frozen=True)
class Operation:
    """The shape of its parameters, and what answers them."""

    shape: StructureShape
    answer: Perform


class Rekognition:
    """Every operation that is offered, by name."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = operations

    @property
    def offered(self) -> list[str]:
        return list(self._operations)

    def perform(self, call: Call) -> Answer:
        """Raises RekognitionError, which `refusal` makes an answer of."""
        operation = self._operation(call.target)
        check_signed(call.authorization, "rekognition")
        return Answer(HTTPStatus.OK, operation.answer(read_parameters(call.body, operation.shape)))

    def _operation(self, target: str) -> Operation:
        name = target.removeprefix(TARGET_PREFIX)
        if target.startswith(TARGET_PREFIX) and name in self._operations:
            return self._operations[name]
        message = (
            f"{name or 'a call without X-Amz-Target'}: this local Rekognition does not offer it; "
            f"it offers {', '.join(self.offered)}"
        )
        raise RekognitionError(Code.UNKNOWN_OPERATION, message)

    def refusal(self, error: RekognitionError) -> Answer:
        """The body that SDKs make an exception of: they go by `__type`."""
        body = {"__type": error.code.value, "Code": error.code.value, "Message": str(error)}
        return Answer(error.status, body)


def check_signed(authorization: str, service: str) -> None:
    """Any credentials will do, but none at all would not do on AWS either."""
    signed = SIGNED.match(authorization)
    if signed is None or signed["service"] != service:
        message = f"the request is not signed for {service}; any credentials will do here"
        raise RekognitionError(Code.UNRECOGNIZED_CLIENT, message)
