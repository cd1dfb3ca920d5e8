"""Rekognition's wire protocol (AWS JSON 1.1), independent of the HTTP server."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from botocore.model import StructureShape

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.parameters import Parameters, read_parameters

OperationHandler = Callable[[Parameters], Mapping[str, Any]]

TARGET_PREFIX: Final = "RekognitionService."
SIGNED: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/,]+/\d{8}/[^/]+/(?P<service>[a-z]+)/aws4_request"
)


@dataclass(frozen=True)
class Request:
    """The parts of an HTTP request that the services read: path, two headers, body."""

    path: str
    target: str
    authorization: str
    body: bytes

    @property
    def name(self) -> str:
        """The operation's name, or the path if the protocol names the operation there."""
        return self.target.partition(".")[2] or self.path


@dataclass(frozen=True)
class Response:
    """An HTTP response: status, and a body that is sent as JSON.

    `error_type` is the error's name, for protocols that send it in a header.
    """

    status: int
    body: Mapping[str, Any]
    content_type: str = "application/x-amz-json-1.1"
    error_type: str = ""


@dataclass(frozen=True)
class Operation:
    """An operation: the shape of its parameters, and the function that handles it."""

    shape: StructureShape
    handle: OperationHandler


class Rekognition:
    """The supported operations, by name."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = operations

    @property
    def operations(self) -> list[str]:
        """The names of the supported operations."""
        return list(self._operations)

    def handle(self, request: Request) -> Response:
        """Run the requested operation. Raises RekognitionError; see `error_response`."""
        operation = self._operation(request.target)
        check_signed(request.authorization, "rekognition")
        parameters = read_parameters(request.body, operation.shape)
        return Response(HTTPStatus.OK, operation.handle(parameters))

    def _operation(self, target: str) -> Operation:
        name = target.removeprefix(TARGET_PREFIX)
        if target.startswith(TARGET_PREFIX) and name in self._operations:
            return self._operations[name]
        message = (
            f"{name or 'a request without X-Amz-Target'}: not supported by this local Rekognition; "
            f"it supports {', '.join(self.operations)}"
        )
        raise RekognitionError(Code.UNKNOWN_OPERATION, message)

    def error_response(self, error: RekognitionError) -> Response:
        """The error as a response. SDKs choose the exception by `__type`."""
        body = {"__type": error.code.value, "Code": error.code.value, "Message": str(error)}
        return Response(error.status, body)


def check_signed(authorization: str, service: str) -> None:
    """Refuse a request that is not signed for this service; the signature is not verified."""
    signed = SIGNED.match(authorization)
    if signed is None or signed["service"] != service:
        message = f"the request is not signed for {service}; any credentials are accepted here"
        raise RekognitionError(Code.UNRECOGNIZED_CLIENT, message)
