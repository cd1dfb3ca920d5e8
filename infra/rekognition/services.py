"""Rekognition and Bedrock at one address; the path of a request selects the service."""

import logging
from threading import BoundedSemaphore
from typing import Final

from infra.rekognition import bedrock
from infra.rekognition.bedrock import Bedrock
from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.faults import Faults
from infra.rekognition.protocol import Rekognition, Request, Response

log = logging.getLogger(__name__)

# Requests handled at the same time. A picture of the largest permitted size takes 300 MB decoded.
SLOTS: Final = 4


class Services:
    """Both services. They share the injected faults and the slots."""

    def __init__(self, rekognition: Rekognition, bedrock: Bedrock, faults: Faults) -> None:
        self._rekognition = rekognition
        self._bedrock = bedrock
        self._faults = faults
        self._slots = BoundedSemaphore(SLOTS)

    @property
    def operations(self) -> list[str]:
        """The names of Rekognition's operations and the ids of Bedrock's models."""
        return [*self._rekognition.operations, *self._bedrock.model_ids]

    def handle(self, request: Request) -> Response:
        """The response to the request; errors become error responses."""
        try:
            self._faults.inject()
            with self._slots:
                return self._service(request.path).handle(request)
        except RekognitionError as error:
            return self.error_response(request.path, error)
        except Exception:
            # Any other exception is a bug here. The caller gets the service's internal error.
            log.exception("%s failed", request.name)
            message = "the local server failed; its log says why"
            return self.error_response(request.path, RekognitionError(Code.INTERNAL, message))

    def error_response(self, path: str, error: RekognitionError) -> Response:
        """The error as the service at this path reports it."""
        return self._service(path).error_response(error)

    def _service(self, path: str) -> Rekognition | Bedrock:
        return self._bedrock if path.startswith(bedrock.PREFIX) else self._rekognition
