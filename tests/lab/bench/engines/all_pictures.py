"""All work on an image's pixels: the renditions, and what the local Rekognition finds in one."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from infra.rekognition import models, titan_embed_image
from infra.rekognition.networks import Networks
from infra.rekognition.operations import ALL
from infra.rekognition.sources import Sources
from services.resize.logic import develop
from tests.lab.bench.engines import ours

ASKED = {
    "DetectLabels": {},
    "DetectFaces": {"Attributes": ["ALL"]},
    "DetectText": {},
    "DetectModerationLabels": {},
    titan_embed_image.MODEL_ID: {"Length": 256},
}
"""As ``analyze`` asks them."""


def work(original: bytes, form: str) -> list[bytes]:
    developed = develop(original, ours.specs(form), ours.LIMITS)
    image = {"Bytes": developed.analysis.body}
    for operation, options in ASKED.items():
        _performers()[operation]({"Image": image, **options})
    return [one.body for one in developed.renditions]


@cache
def _performers() -> Mapping[str, Any]:
    # the server computes each call on one core, too
    networks = Networks(models.default_directory(), threads=1)
    return {name: make(networks, Sources()) for name, make in ALL.items()}
