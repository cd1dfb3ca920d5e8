"""Run analyze in memory, with a fake recognizer and one bucket for all images."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from services.analyze.documents import Documents
from services.analyze.logic import AnalysisRequest, Detection, Thresholds
from services.analyze.reuse import Reuse
from services.analyze.steps import Steps
from services.store.logic import decide
from shared.contracts.envelope import Event
from shared.contracts.images import ImageAnalyzed, ImageResized
from shared.delivery import StepContext
from tests.contract.samples import AT, RESIZED, SECOND, TITAN, TITAN_VECTOR
from tests.fakes import MemoryObjects, MemoryRecords

ALL = tuple(Detection)
THRESHOLDS = Thresholds(max_labels=5)

ANSWERS: dict[Detection, dict[str, Any]] = {
    Detection.LABELS: {
        "Labels": [{"Name": "Cat", "Confidence": 98.7}],
        "LabelModelVersion": "3.0",
    },
    Detection.FACES: {
        "FaceDetails": [
            {
                "Confidence": 99.0,
                "BoundingBox": {"Left": 0.25, "Top": 0.5, "Width": 0.5, "Height": 0.25},
            }
        ]
    },
    Detection.TEXT: {
        "TextDetections": [{"DetectedText": "OPEN", "Type": "LINE", "Confidence": 99.0}]
    },
    Detection.MODERATION: {"ModerationLabels": [{"Name": "Smoking", "Confidence": 91.0}]},
    Detection.EMBEDDING: {"embedding": list(TITAN_VECTOR), "modelId": TITAN},
}


class Recognizer:
    """A fake that returns fixed answers, records its requests and raises the given errors."""

    def __init__(self, **refusals: Exception) -> None:
        self.refusals = refusals
        self.asked: list[tuple[Detection, str, Thresholds]] = []

    def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> Any:
        self.asked.append((detection, key, thresholds))
        if detection in self.refusals:
            raise self.refusals[detection]
        return ANSWERS[detection]

    def detections(self) -> set[Detection]:
        return {detection for detection, _, _ in self.asked}


class Bench:
    """One deployment of analyze. It can share the bucket and records of another."""

    def __init__(
        self,
        recognizer: Any = None,
        detect: Sequence[Detection] = ALL,
        *,
        shares: "Bench | None" = None,
        thresholds: Thresholds = THRESHOLDS,
        reuse: bool = True,
        **refusals: Exception,
    ) -> None:
        self.processed = shares.processed if shares else MemoryObjects()
        self.records = shares.records if shares else MemoryRecords()
        self.recognizer = recognizer or Recognizer(**refusals)
        self.steps = Steps(
            Documents(self.processed),
            Reuse(self.processed, self.records, on=reuse),
            {"rekognition": self.recognizer},
            AnalysisRequest("rekognition", tuple(detect), thresholds),
        )
        self.lease_checks = 0

    def analyze(
        self, event: ImageResized = RESIZED, ensure_lease: Callable[[], None] | None = None
    ) -> ImageAnalyzed:
        (analyzed,) = self.steps.analyze(
            event, StepContext(SECOND, AT, ensure_lease or self._check_lease)
        )
        assert isinstance(analyzed, ImageAnalyzed)
        return analyzed

    def _check_lease(self) -> None:
        self.lease_checks += 1

    def store_decides(self, event: Event = RESIZED) -> None:
        """Apply an event to the record, as the store service does."""
        record = decide(self.records.read(event.image), event, AT)
        assert record
        self.records.write(record)

    def document(self, event: ImageResized = RESIZED) -> dict[str, Any]:
        """The stored analysis of a run."""
        return self.document_at(f"analyses/{event.image}/{event.run}/analysis.json")

    def document_at(self, key: str) -> dict[str, Any]:
        return json.loads(self.processed.get(key).body)

    def stored_keys(self, prefix: str = "") -> list[str]:
        return list(self.processed.keys(prefix))
