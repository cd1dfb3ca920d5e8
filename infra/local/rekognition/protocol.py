"""Rekognition's wire protocol (AWS JSON 1.1) without the wire: a call in, an answer out."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Any, Final

from botocore.model import StructureShape

from infra.local.rekognition.errors import Code, RekognitionError
from infra.local.rekognition.faults import Faults
from infra.local.rekognition.parameters import Parameters, read_parameters

Perform = Callable[[Parameters], Mapping[str, Any]]

log = logging.getLogger(__name__)

TARGET_PREFIX: Final = "RekognitionService."
SIGNED: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/,]+/\d{8}/[^/]+/rekognition/aws4_request"
)

# Calls answered side by side. A picture at Rekognition's limits takes 300 MB once it is decoded.
SLOTS: Final = 4


@dataclass(frozen=True)
class Call:
    """What matters of a request: two headers and the body."""

    target: str
    authorization: str
    body: bytes


@dataclass(frozen=True)
class Answer:
    """The HTTP status, and what goes into the body as JSON."""

    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """The shape of its parameters, and what answers them."""

    shape: StructureShape
    answer: Perform


class Rekognition:
    """Every operation that is offered, by name."""

    def __init__(self, operations: Mapping[str, Operation], faults: Faults) -> None:
        self.operations = operations
        self._faults = faults
        self._slots = BoundedSemaphore(SLOTS)

    def answer(self, call: Call) -> Answer:
        """Answer the call, whatever happens: errors are answers too."""
        try:
            self._faults.strike()
            with self._slots:
                return Answer(HTTPStatus.OK, self._perform(call))
        except RekognitionError as error:
            return refusal(error)
        except Exception:
            # The last resort: a fault of ours must reach the caller as Rekognition's would.
            log.exception("%s failed", call.target)
            message = "the local server failed; its log says why"
            return refusal(RekognitionError(Code.INTERNAL, message))

    def _perform(self, call: Call) -> Mapping[str, Any]:
        operation = self._operation(call.target)
        _check_signed(call.authorization)
        return operation.answer(read_parameters(call.body, operation.shape))

    def _operation(self, target: str) -> Operation:
        name = target.removeprefix(TARGET_PREFIX)
        if target.startswith(TARGET_PREFIX) and name in self.operations:
            return self.operations[name]
        message = (
            f"{name or 'a call without X-Amz-Target'}: this local Rekognition does not offer it; "
            f"it offers {', '.join(self.operations)}"
        )
        raise RekognitionError(Code.UNKNOWN_OPERATION, message)


def refusal(error: RekognitionError) -> Answer:
    """The body that SDKs make an exception of: they go by `__type`."""
    body = {"__type": error.code.value, "Code": error.code.value, "Message": str(error)}
    return Answer(error.status, body)


def _check_signed(authorization: str) -> None:
    """Any credentials will do, but none at all would not do on AWS either."""
    if not SIGNED.match(authorization):
        message = "the request is not signed for Rekognition; any credentials will do here"
        raise RekognitionError(Code.UNRECOGNIZED_CLIENT, message)
