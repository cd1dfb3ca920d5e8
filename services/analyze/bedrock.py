"""The embedding of a picture by Amazon Bedrock's Titan, or a compatible server."""

import json
from base64 import b64encode
from typing import Any

from services.analyze.logic import EMBEDDING_MODEL, Answer
from shared.aws import aws_errors
from shared.errors import Fault, PermanentError, TransientError
from shared.objects import Objects

LENGTH = 256
"""Numbers in an embedding: Titan's minimum, and enough to find similar images."""


class Titan:
    """Bedrock accepts no S3 object, so the picture is read here and sent in the request."""

    def __init__(self, client: Any, processed: Objects) -> None:
        self._client = client
        self._processed = processed

    def embed(self, key: str) -> Answer:
        """The model's full answer for this picture, with ``modelId`` added.

        Every call is billed. Raises PermanentError for a picture that Titan never accepts, and
        Throttled. Thread-safe.
        """
        body = json.dumps(
            {
                "inputImage": b64encode(self._picture(key)).decode(),
                "embeddingConfig": {"outputEmbeddingLength": LENGTH},
            }
        )
        # Darkroom created the picture and chose the region, so these errors are internal.
        with aws_errors(
            f"embedding of {key}",
            ValidationException=("refused-by-bedrock", Fault.INTERNAL),
            ResourceNotFoundException=("no-such-model", Fault.INTERNAL),
        ):
            answer = self._client.invoke_model(modelId=EMBEDDING_MODEL, body=body)
            response: dict[str, Any] = json.loads(answer["body"].read())
        if response.get("message"):
            raise TransientError("no-embedding", f"embedding of {key}: {response['message']}")
        return response | {"modelId": EMBEDDING_MODEL}

    def _picture(self, key: str) -> bytes:
        if picture := self._processed.find(key):
            return picture.body
        raise PermanentError("picture-unreachable", f"there is no {key}", fault=Fault.INTERNAL)
