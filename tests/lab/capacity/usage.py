"""Count what one typical image uses of AWS: the real services over moto, hop by hop.

``python -m tests.lab.capacity.usage`` writes infra/planning/usage.json, which ``plan`` and ``cost``
read. A test compares the file with a new count.
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
from tests.lab.capacity.pipeline import Pipeline, create_resources, pipeline
from tests.pictures import encoded, photo

FILE = ROOT / "infra" / "planning" / "usage.json"
LOG_STEP = 100
"""The log is rounded up to this many bytes, because the digits of its numbers vary."""
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
"""A typical photo: ten labels (the maximum requested), two faces and a line of text."""


class FakeRekognition:
    """Returns the answers for the photo, and counts its calls."""

    def __init__(self) -> None:
        self.tally = Tally()

    def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> dict[str, Any]:
        self.tally.calls[f"rekognition:{detection}"] += 1
        return ANSWERS[detection]


def counted() -> dict[str, Any]:
    """By hop: calls, units and bytes, for a first upload and for the same content again."""
    with mock_aws():
        recognizer, plain = FakeRekognition(), _clients()
        create_resources(plain["s3"], plain["dynamodb"], plain["sns"])
        clock = Clock()
        counting = {of: Counted(plain[of], of, lambda: recognizer.tally) for of in plain}
        line = pipeline(lambda _, of: counting[of], recognizer, clock)
        original = encoded(photo(1600, 1200), "JPEG")
        hops = dict(_counted(line, recognizer, clock, "first.jpg", original))
        stored = _stored(plain["dynamodb"])
        again = dict(_counted(line, recognizer, clock, "again.jpg", original))
    reused = {"analyze/image.resized.v1/reused": again["analyze/image.resized.v1"]}
    return {"hops": hops | reused, "stored": stored}


def _clients() -> dict[str, Any]:
    return {of: boto3.client(of, region_name="us-east-1") for of in ("s3", "dynamodb", "sns")}


def _counted(
    line: Pipeline, recognizer: FakeRekognition, clock: Clock, key: str, original: bytes
) -> Iterator[tuple[str, dict[str, Any]]]:
    notification = line.upload(key, original)
    for name, kind, run in line.hops(notification):
        recognizer.tally = Tally()
        clock.advance(1.25)  # lists are ordered by time, so the image moves in them
        with logged(name) as text:
            run()
        yield f"{name}/{kind}", _summary(recognizer.tally, len(text.getvalue().encode()))


def _summary(tally: Tally, log: int) -> dict[str, Any]:
    return {
        "calls": _sorted(tally.calls),
        "reads": _sorted(tally.reads),
        "writes": _sorted(tally.writes),
        "partitions": _sorted(_shared(tally.partitions)),
        "log_bytes": -(-log // LOG_STEP) * LOG_STEP,
    }


def _shared(partitions: Counter[str]) -> Counter[str]:
    """The largest count of each kind of list: labels and similarity bands vary by picture."""
    largest: Counter[str] = Counter()
    for name, units in partitions.items():
        kind = name.split("#")[0] if name.startswith(("label#", "hash#", "embedding#")) else name
        largest[kind] = max(largest[kind], units)
    return largest


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return {name: counter[name] for name in sorted(counter) if counter[name]}


def _stored(dynamodb: Any) -> dict[str, int]:
    """Bytes stored, by table; an index entry is stored in the table and in the index."""
    stored = {}
    for table in TABLES:
        items = dynamodb.scan(TableName=table)["Items"]
        sizes = [
            (capacity.size(item) + capacity.ITEM_OVERHEAD) * (2 if "partition" in item else 1)
            for item in items
        ]
        stored[table] = -(-sum(sizes) // LOG_STEP) * LOG_STEP
    return stored


def text() -> str:
    return json.dumps(counted(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
    sys.stdout.write(f"{FILE.relative_to(ROOT)}\n")
