"""Titan Multimodal Embeddings G1 (amazon.titan-embed-image-v1): what a picture is like, in numbers.

Not Amazon's network: EfficientNet-Lite0's features of the picture, brought down to as many numbers
as are asked for. Its cosines mean the same thing and have other values. It knows no text.

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

# https://docs.aws.amazon.com/bedrock/latest/userguide/titan-multiemb-models.html. It takes 25 MB
# too, of which the server passes on 5, as much as Rekognition takes.
MAX_SIDE: Final = 2048
DECODED_SIDE: Final = 2 * SIDE  # a JPEG decoded smaller would lose what the network can see

# Decimals of an answer's numbers, each of which is at most 1: what a float32 of that size holds.
DECIMALS: Final = 7


class TitanEmbedImage:
    """The model, asked about a picture."""

    def __init__(self, networks: Networks, sources: Sources) -> None:
        self._networks = networks
        self._sources = sources

    def __call__(self, parameters: Parameters) -> dict[str, Any]:
        """Answer a request that `read_request` has read. Raises RekognitionError."""
        content = self._sources.read(parameters["Image"])
        picture = open_picture(content, side=DECODED_SIDE, least=1, most=MAX_SIDE)
        numbers = embedding(self._networks.classes().features(picture), parameters["Length"])
        rounded = [round(number, DECIMALS) for number in numbers.tolist()]
        return {"embedding": rounded, "inputTextTokenCount": 0, "message": None}


def embedding(features: NDArray[np.float32], length: int) -> NDArray[np.floating[Any]]:
    """The features on so many random axes, together 1 long.

    Random axes of +1 and -1 keep angles, the better the more there are (Achlioptas,
    "Database-friendly random projections", 2003): a cosine c becomes c give or take
    (1 - c²) / √length, 0.01 at 0.9 on 256 axes.
    """
    shadow = _axes()[:length] @ features.astype(np.float64)
    return shadow / (np.linalg.norm(shadow) or 1.0)


@cache
def _axes() -> NDArray[np.floating[Any]]:
    """From a digest, so that they are the same wherever and whenever the server runs."""
    bits = shake_256(MODEL_ID.encode()).digest(max(LENGTHS) * FEATURES // 8)
    signs = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(max(LENGTHS), FEATURES)
    return signs * 2.0 - 1.0


def read_request(body: bytes) -> Parameters:
    """The picture's bytes as Rekognition's calls have them, and the length asked for.

    Raises RekognitionError for all that the model would not take, and for a text, which this one
    would have to ignore.
    """
    asked = _object(body)
    if unknown := asked.keys() - FIELDS:
        _refuse(f"extraneous key [{min(unknown)}] is not permitted")
    if "inputText" in asked:
        _refuse("inputText: this local model knows pictures only")
    return {"Image": {"Bytes": _picture(asked.get("inputImage"))}, "Length": _length(asked)}


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        asked = json.loads(body)
    except ValueError as error:
        _refuse(f"the body is not JSON: {error}")
    if not isinstance(asked, dict):
        _refuse(f"expected type: JSONObject, found: {type(asked).__name__}")
    return asked


def _picture(image: object) -> bytes:
    if not isinstance(image, str):
        _refuse("inputImage has to be a picture in base64")
    try:
        return base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError) as error:
        _refuse(f"inputImage is not base64: {error}")


def _length(asked: Mapping[str, Any]) -> int:
    config = asked.get("embeddingConfig", {})
    length = config.get("outputEmbeddingLength", DEFAULT_LENGTH) if _is_config(config) else None
    if type(length) is not int or length not in LENGTHS:
        _refuse(f"embeddingConfig takes an outputEmbeddingLength of {LENGTHS}, not {config}")
    return length


def _is_config(config: object) -> bool:
    return isinstance(config, dict) and config.keys() <= {"outputEmbeddingLength"}


def _refuse(reason: str) -> NoReturn:
    """In the words around every such refusal of Bedrock's."""
    message = f"Malformed input request: {reason}, please reformat your input and try again."
    raise RekognitionError(Code.VALIDATION, message)
