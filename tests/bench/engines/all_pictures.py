"""All work on an image's pixels: the renditions, and what the local Rekognition finds in one."""

from functools import cache
from typing import Any

from infra.local.rekognition import models
from infra.local.rekognition.networks import Networks
from infra.local.rekognition.operations import rekognition
from infra.local.rekognition.sources import Sources
from services.resize.logic import develop
from tests.bench.engines import ours

ASKED = {
    "DetectLabels": {},
    "DetectFaces": {"Attributes": ["ALL"]},
    "DetectText": {},
    "DetectModerationLabels": {},
}
"""As ``analyze`` asks them."""


def work(original: bytes, form: str) -> list[bytes]:
    developed = develop(original, ours.specs(form), ours.LIMITS)
    image = {"Bytes": developed.analysis.body}
    for operation, options in ASKED.items():
        _operations()[operation].answer({"Image": image, **options})
    return [one.body for one in developed.renditions]


@cache
def _operations() -> Any:
    # the server computes each call on one core, too
    return rekognition(Networks(models.default_directory(), threads=1), Sources()).operations
