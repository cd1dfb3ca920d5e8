"""Rekognition and Bedrock at one address: a call goes to the one whose path it has."""

import logging
from threading import BoundedSemaphore
from typing import Final

from infra.rekognition import bedrock
from infra.rekognition.bedrock import Bedrock
from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.faults import Faults
from infra.rekognition.protocol import Answer, Call, Rekognition

log = logging.getLogger(__name__)

# Calls answered side by side. A picture at Rekognition's limits takes 300 MB once it is decoded.
SLOTS: Final = 4


class Services:
    """Faults strike the calls of both alike, and both share the slots."""

    def __init__(self, rekognition: Rekognition, bedrock: Bedrock, faults: Faults) -> None:
        self._rekognition = rekognition
        self._bedrock = bedrock
        self._faults = faults
        self._slots = BoundedSemaphore(SLOTS)

    @property
    def offered(self) -> list[str]:
        """Rekognition's operations, and Bedrock's models by their ids."""
        return [*self._rekognition.offered, *self._bedrock.offered]

    def answer(self, call: Call) -> Answer:
        """Answer the call, whatever happens: errors are answers too."""
        try:
            self._faults.strike()
            with self._slots:
                return self._asked(call.path).perform(call)
        except RekognitionError as error:
            return self.refusal(call.path, error)
        except Exception:
            # The last resort: a fault of ours must reach the caller as the service's would.
            log.exception("%s failed", call.name)
            message = "the local server failed; its log says why"
            return self.refusal(call.path, RekognitionError(Code.INTERNAL, message))

    def refusal(self, path: str, error: RekognitionError) -> Answer:
        """The error as the service says it whose path this is."""
        return self._asked(path).refusal(error)

    def _asked(self, path: str) -> Rekognition | Bedrock:
        return self._bedrock if path.startswith(bedrock.PREFIX) else self._rekognition
