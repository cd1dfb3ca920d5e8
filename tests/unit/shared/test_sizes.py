"""All events, records and notifications fit the limits of SNS and DynamoDB, for any image and key.

SNS accepts 256 KiB with attributes; DynamoDB 400 KB for an item with names.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.analyze.documents import Documents
from services.analyze.logic import AnalysisRequest, Detection, Thresholds
from services.analyze.reuse import Reuse
from services.analyze.steps import Steps as Analyze
from services.notify.steps import Steps as Notify
from services.notify.topic import SnsNotifications
from services.store.records import DynamoRecordsWriter
from services.store.steps import Steps as Store
from shared.bus import SnsBus
from shared.contracts.envelope import Envelope
from shared.contracts.images import Fact, ImageResized, ReplayRequested
from shared.contracts.notification import STATUS
from shared.contracts.record import RunStatus
from shared.delivery import StepContext, report_on
from shared.errors import Fault
from shared.message import LARGEST_EVENT, LONGEST_KEY, message_records, read
from shared.retries import GiveUp
from tests.contract.samples import (
    ANALYZED,
    AT,
    CAT,
    FIRST,
    RESIZED,
    SOURCE,
    TITAN,
    TITAN_VECTOR,
    rendition,
)
from tests.fakes import MemoryObjects, MemoryRecords
from tests.unit.store.memory import MemorySearchIndex

SNS_LIMIT = 256 * 1024
DYNAMODB_LIMIT = 400 * 1000
MOST_RENDITIONS = 560
"""The most renditions that fit into the environment of a function (4 KB)."""
ALL = tuple(Detection)
BOX = {"Left": 0.123456, "Top": 0.123456, "Width": 0.1, "Height": 0.1}

words = st.text(max_size=300)
keys = st.text(min_size=1, max_size=LONGEST_KEY // 4)


@dataclass
class Recognizer:
    """Returns this number of detections, all with the same name."""

    name: str
    number: int
    confidence: float = 99.0

    def ask(self, detection: Detection, _key: str, _thresholds: Thresholds) -> dict[str, Any]:
        name = {"Name": self.name, "DetectedText": self.name, "Type": "LINE"}
        detections = [name | {"Confidence": self.confidence}] * self.number
        return {
            Detection.LABELS: {"Labels": detections, "LabelModelVersion": self.name},
            Detection.FACES: {
                "FaceDetails": [{"BoundingBox": BOX} | face for face in detections],
                "FaceModelVersion": self.name,
            },
            Detection.TEXT: {"TextDetections": detections, "TextModelVersion": self.name},
            Detection.MODERATION: {"ModerationLabels": detections},
            Detection.EMBEDDING: {"embedding": list(TITAN_VECTOR), "modelId": TITAN},
        }[detection]


@dataclass
class Aws:
    """Accepts messages and items and records their sizes in bytes."""

    published: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)

    def publish(self, **call: Any) -> None:
        attributes = call["MessageAttributes"]
        sizes = [len(n) + len("String") + size(v["StringValue"]) for n, v in attributes.items()]
        self.published.append(size(call["Message"]) + sum(sizes))

    def put_item(self, **call: Any) -> None:
        self.written.append(item_size({"M": call["Item"]}))


def size(text: str) -> int:
    return len(text.encode())


def item_size(value: dict[str, Any]) -> int:
    """The size of a value in bytes, as DynamoDB counts it; of a number, the largest."""
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(1 + size(name) + item_size(inner) for name, inner in content.items())
    if kind == "L":
        return 3 + sum(1 + item_size(inner) for inner in content)
    return {"S": size, "N": lambda _: 21}.get(kind, lambda _: 1)(content)


@dataclass
class Pipeline:
    """The steps after ``resize``, with an AWS that measures sizes."""

    aws: Aws = field(default_factory=Aws)
    processed: MemoryObjects = field(default_factory=MemoryObjects)
    records: MemoryRecords = field(default_factory=MemoryRecords)

    def replay(self, *, analyze_only: bool = False) -> bool:
        """Request another run; returns whether it started."""
        run = self.records.records[CAT].run
        request = ReplayRequested(image=CAT, run=run, analyze_only=analyze_only)
        envelope = Envelope.first(request, "darkroom/operator", AT)
        store = Store(self.records, self.processed, MemorySearchIndex())
        for decision in store.decide(envelope.data, StepContext(envelope, AT, lambda: None)):
            self._publish(envelope.caused(decision, "darkroom/store", 0, AT))
        return self.records.records[CAT].run > run

    def run(self, resized: ImageResized, recognizer: Recognizer, most: int = 1000) -> None:
        """Process the current run from its renditions to its notification."""
        if CAT in self.records.records:
            record = self.records.records[CAT]
            current = {"run": record.run, "reanalysis": record.current.reanalysis}
            resized = resized.model_copy(update=current)
        analyze = Analyze(
            Documents(self.processed),
            Reuse(self.processed, self.records, on=False),
            {"rekognition": recognizer},
            AnalysisRequest("rekognition", ALL, Thresholds(most, 0.0, 0.0, 0.0, 0.0)),
        )
        cause = resized_event(resized)
        store = Store(self.records, self.processed, MemorySearchIndex())
        for fact in (cause, self._run_step(cause, analyze.analyze)):
            self._write_record(store, fact)

    def fail(self, resized: ImageResized, detail: str) -> None:
        """Process a run in which ``analyze`` gives up."""
        report = report_on(resized, "analyze", GiveUp("internal-error", detail, Fault.INTERNAL))
        envelope = resized_event(resized).caused(report, "darkroom/analyze", 0, AT)
        self._publish(envelope)
        self._write_record(Store(self.records, self.processed, MemorySearchIndex()), envelope)

    def _run_step(self, cause: Envelope, step: Any) -> Envelope:
        (event,) = step(cause.data, StepContext(cause, AT, lambda: None))
        envelope = cause.caused(event, "darkroom/test", 0, AT)
        self._publish(cause)
        self._publish(envelope)
        return envelope

    def _write_record(self, store: Store, fact: Envelope) -> None:
        for decision in store.decide(fact.data, StepContext(fact, AT, lambda: None)):
            envelope = fact.caused(decision, "darkroom/store", 0, AT)
            self._publish(envelope)
            if type(decision) in STATUS:
                notify = Notify(SnsNotifications(self.aws, "topic"))
                notify.notify(envelope.data, StepContext(envelope, AT, lambda: None))
        DynamoRecordsWriter(self.aws, "records").write(self.records.records[fact.subject])

    def _publish(self, envelope: Envelope) -> None:
        assert read(*message_records(envelope.to_json())) == envelope
        SnsBus(self.aws, "topic").publish([envelope])


def resized(key: str, renditions: int = 3) -> ImageResized:
    source = SOURCE.model_copy(update={"key": key})
    files = tuple(rendition(f"r{n}", 2048, 2048, 9_999_999) for n in range(renditions))
    return RESIZED.model_copy(update={"source": source, "renditions": files})


def resized_event(event: Fact) -> Envelope:
    """The event as ``resize`` publishes it."""
    return FIRST.caused(event, "darkroom/resize", 0, AT)


def fits(pipeline: Pipeline) -> bool:
    return max(pipeline.aws.published) < SNS_LIMIT and max(pipeline.aws.written) < DYNAMODB_LIMIT


@pytest.mark.slow
@given(keys, words, st.integers(0, 300), st.integers(1, 10))
@example("\0" * LONGEST_KEY, "\0" * 300, 300, MOST_RENDITIONS)
@example('"' * LONGEST_KEY, '"\\' * 300, 300, MOST_RENDITIONS)
@example("🐈" * (LONGEST_KEY // 4), "🐈" * 300, 300, MOST_RENDITIONS)
@example("猫" * (LONGEST_KEY // 3), "猫", 1000, MOST_RENDITIONS)
def test_any_analysis_of_any_key_fits_events_record_and_notification(
    key: str, name: str, number: int, renditions: int
) -> None:
    pipeline = Pipeline()
    pipeline.run(resized(key, renditions), Recognizer(name, number))
    assert fits(pipeline)


@given(keys, words)
@example("\0" * LONGEST_KEY, "\0" * 500_000)
@example("🐈" * (LONGEST_KEY // 4), "🐈" * 500_000)
def test_any_failure_of_any_key_fits_events_record_and_notification(key: str, detail: str) -> None:
    pipeline = Pipeline()
    pipeline.fail(resized(key), detail)
    assert fits(pipeline)
    assert max(pipeline.aws.published) < SNS_LIMIT / 4


@pytest.mark.parametrize("analyze_only", [False, True])
@pytest.mark.parametrize(
    ("recognizer", "renditions", "least"),
    [
        (Recognizer("A label of two words", 100), 3, 10),
        (Recognizer("🐈" * 300, 300), 3, 4),
        (Recognizer("\0" * 300, 300), MOST_RENDITIONS, 1),
    ],
)
def test_a_record_of_many_replays_fits_and_its_last_run_completes(
    recognizer: Recognizer, renditions: int, least: int, analyze_only: bool
) -> None:
    pipeline = Pipeline()
    pipeline.run(resized("cat.jpg", renditions), recognizer)
    while pipeline.replay(analyze_only=analyze_only):
        pipeline.run(resized("cat.jpg", renditions), recognizer)
    record = pipeline.records.records[CAT]
    versions = record.current.analyzed.previous_versions
    assert record.full
    assert record.status(record.run) is RunStatus.COMPLETED
    assert [version.run for version in versions] == list(range(record.run if analyze_only else 0))
    assert record.run >= least
    assert fits(pipeline)


def test_a_large_analysis_is_stored_completely_and_published_in_short() -> None:
    pipeline = Pipeline()
    pipeline.run(resized("page.png"), Recognizer("a long line of a printed page " * 30, 5000))
    document = pipeline.processed.get(f"analyses/{CAT}/0/analysis.json").body
    answers = json.loads(document)["answers"]
    assert len(document) > 10_000_000
    lists = (("labels", "Labels"), ("text", "TextDetections"))
    assert [len(answers[detection][name]) for detection, name in lists] == [5000, 5000]
    assert max(pipeline.aws.published) < 100_000
    assert max(pipeline.aws.written) < 100_000


def test_two_facts_of_the_largest_size_give_an_outcome_and_a_record_that_fit() -> None:
    least = max(size(resized_event(fact).to_json()) for fact in (RESIZED, ANALYZED))
    room = LARGEST_EVENT - least - 100
    pipeline = Pipeline()
    pipeline.run(RESIZED.model_copy(update={"owner": "o" * room}), Recognizer("Cat", 1))
    assert fits(pipeline)
