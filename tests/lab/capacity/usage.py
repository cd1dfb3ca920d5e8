"""What one usual image asks of AWS, counted: the real services over moto, hop by hop.

``python -m tests.lab.capacity.usage`` writes infra/planning/usage.json, which ``plan`` and ``cost``
reckon with; a test compares it with what is counted then.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
from moto import mock_aws

from infra.config.definitions import ROOT
from services.analyze.logic import Detection, Thresholds
from tests.fakes import Clock
from tests.lab.capacity import capacity
from tests.lab.capacity.counting import TABLES, Counted, Tally, logged
from tests.lab.capacity.pipeline import Pipeline, make_places, pipeline
from tests.pictures import encoded, photo

FILE = ROOT / "infra" / "planning" / "usage.json"
LOG_STEP = 100
"""Bytes that the log is rounded up to: times and sizes in it have more digits or fewer."""
BOX = {"Width": 0.41, "Height": 0.5, "Left": 0.1, "Top": 0.2}
LABELS = (
    "Outdoors",
    "Nature",
    "Person",
    "Water",
    "Boat",
    "Sky",
    "Scenery",
    "Shoreline",
    "Adult",
    "Sea",
)

ANSWERS: dict[str, dict[str, Any]] = {
    Detection.LABELS: {
        "Labels": [{"Name": name, "Confidence": 99.1 - n} for n, name in enumerate(LABELS)],
        "LabelModelVersion": "3.0",
    },
    Detection.FACES: {"FaceDetails": [{"BoundingBox": BOX, "Confidence": 99.9}] * 2},
    Detection.TEXT: {
        "TextDetections": [{"DetectedText": "Marina", "Type": "LINE", "Confidence": 99.0}],
        "TextModelVersion": "3.0",
    },
    Detection.MODERATION: {"ModerationLabels": [], "ModerationModelVersion": "7.0"},
    Detection.EMBEDDING: {
        "embedding": [(n % 17 - 8) / 8 for n in range(256)],
        "modelId": "amazon.titan-embed-image-v1",
    },
}
"""A usual photo: ten labels, which is as many as are asked for, two faces, a line of text."""


class Answering:
    """A Rekognition that has seen the photo, and counts what it is asked."""

    def __init__(self) -> None:
        self.tally = Tally()

    def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> dict[str, Any]:
        self.tally.calls[f"rekognition:{detection}"] += 1
        return ANSWERS[detection]


def counted() -> dict[str, Any]:
    """By hop: calls, units, bytes; of a first upload, and of the same content again."""
    with mock_aws():
        recognizer, plain = Answering(), _clients()
        make_places(plain["s3"], plain["dynamodb"], plain["sns"])
        clock = Clock()
        counting = {of: Counted(plain[of], of, lambda: recognizer.tally) for of in plain}
        line = pipeline(lambda _, of: counting[of], recognizer, clock)
        original = encoded(photo(1600, 1200), "JPEG")
        hops = dict(_counted(line, recognizer, clock, "first.jpg", original))
        kept = _kept(plain["dynamodb"])
        again = dict(_counted(line, recognizer, clock, "again.jpg", original))
    reused = {"analyze/image.resized.v1/reused": again["analyze/image.resized.v1"]}
    return {"hops": hops | reused, "kept": kept}


def _clients() -> dict[str, Any]:
    return {of: boto3.client(of, region_name="us-east-1") for of in ("s3", "dynamodb", "sns")}


def _counted(
    line: Pipeline, recognizer: Answering, clock: Clock, key: str, original: bytes
) -> Iterator[tuple[str, dict[str, Any]]]:
    told = line.upload(key, original)
    for name, kind, make in line.hops(told):
        recognizer.tally = Tally()
        clock.advance(1.25)  # an image is listed by time: it moves in its lists
        with logged(name) as text:
            make()
        yield f"{name}/{kind}", _said(recognizer.tally, len(text.getvalue().encode()))


def _said(tally: Tally, log: int) -> dict[str, Any]:
    return {
        "calls": _sorted(tally.calls),
        "reads": _sorted(tally.reads),
        "writes": _sorted(tally.writes),
        "partitions": _sorted(_shared(tally.partitions)),
        "log_bytes": -(-log // LOG_STEP) * LOG_STEP,
    }


def _shared(partitions: Counter[str]) -> Counter[str]:
    """Which labels and likenesses a picture has is its own affair: of those, the largest."""
    largest: Counter[str] = Counter()
    for name, units in partitions.items():
        kind = name.split("#")[0] if name.startswith(("label#", "hash#", "embedding#")) else name
        largest[kind] = max(largest[kind], units)
    return largest


def _sorted(found: Counter[str]) -> dict[str, int]:
    return {name: found[name] for name in sorted(found) if found[name]}


def _kept(dynamodb: Any) -> dict[str, int]:
    """Bytes that stay in the tables, by table; an entry of a list is in the index as well."""
    kept = {}
    for table in TABLES:
        items = dynamodb.scan(TableName=table)["Items"]
        sizes = [
            (capacity.size(item) + capacity.ITEM_OVERHEAD) * (2 if "partition" in item else 1)
            for item in items
        ]
        kept[table] = -(-sum(sizes) // LOG_STEP) * LOG_STEP
    return kept


def text() -> str:
    return json.dumps(counted(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
    sys.stdout.write(f"{FILE.relative_to(ROOT)}\n")
