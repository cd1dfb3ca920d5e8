"""Amazon Bedrock's Titan, or whatever speaks like it, asked what one picture is like."""

import json
from base64 import b64encode
from typing import Any

from services.analyze.logic import EMBEDDING_MODEL, Answer
from shared.aws import aws_errors
from shared.errors import Fault, PermanentError, TransientError
from shared.objects import Objects

LENGTH = 256
"""Numbers of an embedding: the fewest there are to have, and enough to tell look-alikes."""


class Titan:
    """Bedrock takes no S3 object, so the picture is read here and sent along."""

    def __init__(self, client: Any, processed: Objects) -> None:
        self._client = client
        self._processed = processed

    def embed(self, key: str) -> Answer:
        """The model's full answer about this picture, and ``modelId``, which it does not say.

        Every call is paid for. Raises PermanentError for a picture that Titan will never take,
        Throttled when it asks to slow down. Safe to call from several threads.
        """
        body = json.dumps(
            {
                "inputImage": b64encode(self._picture(key)).decode(),
                "embeddingConfig": {"outputEmbeddingLength": LENGTH},
            }
        )
        # The picture is of our own making, so what Titan does not take of it is our fault; and so
        # is a region that has no such model.
        with aws_errors(
            f"embedding of {key}",
            ValidationException=("refused-by-bedrock", Fault.INTERNAL),
            ResourceNotFoundException=("no-such-model", Fault.INTERNAL),
        ):
            answer = self._client.invoke_model(modelId=EMBEDDING_MODEL, body=body)
            said: dict[str, Any] = json.loads(answer["body"].read())
        if said.get("message"):
            raise TransientError("no-embedding", f"embedding of {key}: {said['message']}")
        return said | {"modelId": EMBEDDING_MODEL}

    def _picture(self, key: str) -> bytes:
        if found := self._processed.find(key):
            return found.body
        raise PermanentError("picture-unreachable", f"there is no {key}", fault=Fault.INTERNAL)
