"""All work on an image's pixels: the renditions, and the local Rekognition's operations."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from infra.rekognition import models, titan_embed_image
from infra.rekognition.networks import Networks
from infra.rekognition.operations import ALL
from infra.rekognition.sources import Sources
from services.resize.logic import develop
from tests.lab.bench.engines import ours

OPERATIONS = {
    "DetectLabels": {},
    "DetectFaces": {"Attributes": ["ALL"]},
    "DetectText": {},
    "DetectModerationLabels": {},
    titan_embed_image.MODEL_ID: {"Length": 256},
}
"""With the options that ``analyze`` uses."""


def work(original: bytes, form: str) -> list[bytes]:
    developed = develop(original, ours.specs(form), ours.LIMITS)
    image = {"Bytes": developed.analysis.body}
    for operation, options in OPERATIONS.items():
        _performers()[operation]({"Image": image, **options})
    return [rendition.body for rendition in developed.renditions]


@cache
def _performers() -> Mapping[str, Any]:
    # the server also computes each call on one core
    networks = Networks(models.default_directory(), threads=1)
    return {name: make(networks, Sources()) for name, make in ALL.items()}
