"""Stands in for Titan Multimodal Embeddings G1 (amazon.titan-embed-image-v1): embeds pictures.

The network is not Amazon's: an embedding is a projection of EfficientNet-Lite0's features to the
requested length. Cosines of embeddings measure similarity, as Titan's do, but have other values.
Text is not supported.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html
"""

import base64
import binascii
import json
from collections.abc import Mapping
from functools import cache
from hashlib import shake_256
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from infra.rekognition.efficientnet import FEATURES, SIDE
from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.networks import Networks
from infra.rekognition.parameters import Parameters
from infra.rekognition.pictures import open_picture
from infra.rekognition.sources import Sources

MODEL_ID: Final = "amazon.titan-embed-image-v1"
FIELDS: Final = {"inputText", "inputImage", "embeddingConfig"}
LENGTHS: Final = (256, 384, 1024)
DEFAULT_LENGTH: Final = 1024

# Pixels: https://docs.aws.amazon.com/bedrock/latest/userguide/titan-multiemb-models.html. Titan
# accepts pictures of 25 MB, but this server accepts 5 MB, Rekognition's limit.
MAX_SIDE: Final = 2048
DECODED_SIDE: Final = 2 * SIDE  # so that a JPEG is not decoded with too little detail

# Decimals of the embedding's numbers: the precision of a float32 between -1 and 1.
DECIMALS: Final = 7


class TitanEmbedImage:
    """Handles requests to the model."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Parameters) -> dict[str, Any]:
        """Handle a request read by `read_request`. Raises RekognitionError."""
        content = self._sources.read(parameters["Image"])
        picture = open_picture(content, side=DECODED_SIDE, least=1, most=MAX_SIDE)
        vector = embedding(self._networks.classifier().features(picture), parameters["Length"])
        rounded = [round(number, DECIMALS) for number in vector.tolist()]
        return {"embedding": rounded, "inputTextTokenCount": 0, "message": None}


def embedding(features: NDArray[np.float32], length: int) -> NDArray[np.floating[Any]]:
    """The features projected to `length` random axes, as a vector of length 1.

    Random axes of +1 and -1 preserve angles, and more axes preserve them better (Achlioptas,
    "Database-friendly random projections", 2003). The error of a cosine c is about
    (1 - c²) / √length: 0.01 for a cosine of 0.9 and 256 axes.
    """
    projection = _axes()[:length] @ features.astype(np.float64)
    return projection / (np.linalg.norm(projection) or 1.0)


@cache
def _axes() -> NDArray[np.floating[Any]]:
    """Axes derived from a digest, so that every server has the same."""
    bits = shake_256(MODEL_ID.encode()).digest(max(LENGTHS) * FEATURES // 8)
    signs = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(max(LENGTHS), FEATURES)
    return signs * 2.0 - 1.0


def read_request(body: bytes) -> Parameters:
    """The picture's bytes, in the form of Rekognition's `Image`, and the requested length.

    Raises RekognitionError for an invalid request, and for a text, because it is not supported.
    """
    fields = _object(body)
    if extra := fields.keys() - FIELDS:
        _refuse(f"extraneous key [{min(extra)}] is not permitted")
    if "inputText" in fields:
        _refuse("inputText: this local model supports pictures only")
    return {"Image": {"Bytes": _picture(fields.get("inputImage"))}, "Length": _length(fields)}


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError as error:
        _refuse(f"the body is not JSON: {error}")
    if not isinstance(fields, dict):
        _refuse(f"expected type: JSONObject, found: {type(fields).__name__}")
    return fields


def _picture(image: object) -> bytes:
    if not isinstance(image, str):
        _refuse("inputImage must be a picture in base64")
    try:
        return base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError) as error:
        _refuse(f"inputImage is not base64: {error}")


def _length(fields: Mapping[str, Any]) -> int:
    config = fields.get("embeddingConfig", {})
    length = config.get("outputEmbeddingLength", DEFAULT_LENGTH) if _is_config(config) else None
    if type(length) is not int or length not in LENGTHS:
        _refuse(f"embeddingConfig must have an outputEmbeddingLength of {LENGTHS}, not {config}")
    return length


def _is_config(config: object) -> bool:
    return isinstance(config, dict) and config.keys() <= {"outputEmbeddingLength"}


def _refuse(reason: str) -> NoReturn:
    """Raise the error with the phrases that Bedrock puts around the reason."""
    message = f"Malformed input request: {reason}, please reformat your input and try again."
    raise RekognitionError(Code.VALIDATION, message)
