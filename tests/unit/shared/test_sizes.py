"""Whatever is in a picture, and whatever it is called: what is said and kept of it fits.

SNS takes 256 KiB, attributes and all; DynamoDB 400 KB for an item, names and all.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.analyze.documents import Documents
from services.analyze.logic import Detection, Question, Thresholds
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

SNS_TAKES = 256 * 1024
DYNAMODB_TAKES = 400 * 1000
MOST_RENDITIONS = 560
"""All that a function's environment, 4 KB with everything else in it, can name."""
ALL = tuple(Detection)

words = st.text(max_size=300)
keys = st.text(min_size=1, max_size=LONGEST_KEY // 4)


@dataclass
class Recognizer:
    """Finds so many of each, and gives all of them these words."""

    word: str
    number: int
    sure: float = 99.0

    def ask(self, detection: Detection, _key: str, _thresholds: Thresholds) -> dict[str, Any]:
        one = {"Name": self.word, "DetectedText": self.word, "Type": "LINE"}
        found = [one | {"Confidence": self.sure}] * self.number
        return {
            Detection.LABELS: {"Labels": found, "LabelModelVersion": self.word},
            Detection.FACES: {"FaceDetails": found, "FaceModelVersion": self.word},
            Detection.TEXT: {"TextDetections": found, "TextModelVersion": self.word},
            Detection.MODERATION: {"ModerationLabels": found},
            Detection.EMBEDDING: {"embedding": list(TITAN_VECTOR), "modelId": TITAN},
        }[detection]


@dataclass
class Aws:
    """Takes what is published and written, and remembers how large it was."""

    published: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)

    def publish(self, **call: Any) -> None:
        attributes = call["MessageAttributes"]
        sizes = [len(n) + len("String") + sized(v["StringValue"]) for n, v in attributes.items()]
        self.published.append(sized(call["Message"]) + sum(sizes))

    def put_item(self, **call: Any) -> None:
        self.written.append(weight({"M": call["Item"]}))


def sized(text: str) -> int:
    return len(text.encode())


def weight(value: dict[str, Any]) -> int:
    """Bytes of one value, as DynamoDB counts an item; of a number, at most."""
    ((kind, said),) = value.items()
    if kind == "M":
        return 3 + sum(1 + sized(name) + weight(inner) for name, inner in said.items())
    if kind == "L":
        return 3 + sum(1 + weight(inner) for inner in said)
    return {"S": sized, "N": lambda _: 21}.get(kind, lambda _: 1)(said)


@dataclass
class Pipeline:
    """The real steps from the renditions on, over an AWS that measures."""

    aws: Aws = field(default_factory=Aws)
    processed: MemoryObjects = field(default_factory=MemoryObjects)
    records: MemoryRecords = field(default_factory=MemoryRecords)

    def replay(self, *, analyze_only: bool = False) -> bool:
        """Ask for one more run; whether there is one."""
        run = self.records.records[CAT].run
        request = ReplayRequested(image=CAT, run=run, analyze_only=analyze_only)
        asked = Envelope.first(request, "darkroom/operator", AT)
        store = Store(self.records, self.processed, MemorySearchIndex())
        for verdict in store.decide(asked.data, StepContext(asked, AT, lambda: None)):
            self._publish(asked.caused(verdict, "darkroom/store", 0, AT))
        return self.records.records[CAT].run > run

    def run(self, resized: ImageResized, seen: Recognizer, most: int = 1000) -> None:
        """From the current run's renditions to what is told of its end."""
        if CAT in self.records.records:
            record = self.records.records[CAT]
            again = {"run": record.run, "reanalysis": record.current.reanalysis}
            resized = resized.model_copy(update=again)
        analyze = Analyze(
            Documents(self.processed),
            Reuse(self.processed, self.records, on=False),
            {"rekognition": seen},
            Question("rekognition", ALL, Thresholds(most, 0.0, 0.0, 0.0, 0.0)),
        )
        heard = second(resized)
        store = Store(self.records, self.processed, MemorySearchIndex())
        for fact in (heard, self._answer(heard, analyze.analyze)):
            self._write_record(store, fact)

    def fail(self, resized: ImageResized, detail: str) -> None:
        """As if analyze had given up."""
        report = report_on(resized, "analyze", GiveUp("internal-error", detail, Fault.INTERNAL))
        third = second(resized).caused(report, "darkroom/analyze", 0, AT)
        self._publish(third)
        self._write_record(Store(self.records, self.processed, MemorySearchIndex()), third)

    def _answer(self, cause: Envelope, step: Any) -> Envelope:
        (event,) = step(cause.data, StepContext(cause, AT, lambda: None))
        envelope = cause.caused(event, "darkroom/test", 0, AT)
        self._publish(cause)
        self._publish(envelope)
        return envelope

    def _write_record(self, store: Store, fact: Envelope) -> None:
        for verdict in store.decide(fact.data, StepContext(fact, AT, lambda: None)):
            told = fact.caused(verdict, "darkroom/store", 0, AT)
            self._publish(told)
            if type(verdict) in STATUS:
                notify = Notify(SnsNotifications(self.aws, "topic"))
                notify.tell(told.data, StepContext(told, AT, lambda: None))
        DynamoRecordsWriter(self.aws, "records").write(self.records.records[fact.subject])

    def _publish(self, envelope: Envelope) -> None:
        assert (
            read(*message_records(envelope.to_json())) == envelope
        )  # whoever hears it can read it
        SnsBus(self.aws, "topic").publish([envelope])


def resized(key: str, renditions: int = 3) -> ImageResized:
    source = SOURCE.model_copy(update={"key": key})
    made = tuple(rendition(f"r{n}", 2048, 2048, 9_999_999) for n in range(renditions))
    return RESIZED.model_copy(update={"source": source, "renditions": made})


def second(event: Fact) -> Envelope:
    """As resize announces it."""
    return FIRST.caused(event, "darkroom/resize", 0, AT)


def fits(pipeline: Pipeline) -> bool:
    return max(pipeline.aws.published) < SNS_TAKES and max(pipeline.aws.written) < DYNAMODB_TAKES


@given(keys, words, st.integers(0, 300), st.integers(1, 10))
@example("\0" * LONGEST_KEY, "\0" * 300, 300, MOST_RENDITIONS)
@example('"' * LONGEST_KEY, '"\\' * 300, 300, MOST_RENDITIONS)
@example("🐈" * (LONGEST_KEY // 4), "🐈" * 300, 300, MOST_RENDITIONS)
@example("猫" * (LONGEST_KEY // 3), "猫", 1000, MOST_RENDITIONS)
@settings(deadline=None)
def test_whatever_is_found_in_whatever_it_is_called_fits_into_all_that_is_said_of_it(
    key: str, word: str, number: int, renditions: int
) -> None:
    pipeline = Pipeline()
    pipeline.run(resized(key, renditions), Recognizer(word, number))
    assert fits(pipeline)


@given(keys, words)
@example("\0" * LONGEST_KEY, "\0" * 500_000)
@example("🐈" * (LONGEST_KEY // 4), "🐈" * 500_000)
@settings(deadline=None)
def test_whatever_went_wrong_fits_into_all_that_is_said_of_it(key: str, detail: str) -> None:
    pipeline = Pipeline()
    pipeline.fail(resized(key), detail)
    assert fits(pipeline)
    assert max(pipeline.aws.published) < SNS_TAKES / 4


@pytest.mark.parametrize("analyze_only", [False, True])
@pytest.mark.parametrize(
    ("seen", "renditions", "least"),
    [
        (Recognizer("A label of two words", 100), 3, 10),
        (Recognizer("🐈" * 300, 300), 3, 4),
        (Recognizer("\0" * 300, 300), MOST_RENDITIONS, 1),
    ],
)
def test_however_often_an_image_is_replayed_its_record_fits_and_the_last_run_still_ends(
    seen: Recognizer, renditions: int, least: int, analyze_only: bool
) -> None:
    pipeline = Pipeline()
    pipeline.run(resized("cat.jpg", renditions), seen)
    while pipeline.replay(analyze_only=analyze_only):
        pipeline.run(resized("cat.jpg", renditions), seen)
    record = pipeline.records.records[CAT]
    kept = record.current.analyzed.previous_versions
    assert record.full
    assert record.status(record.run) is RunStatus.COMPLETED
    assert [previous_versions.run for previous_versions in kept] == list(
        range(record.run if analyze_only else 0)
    )
    assert record.run >= least
    assert fits(pipeline)


def test_an_analysis_of_several_megabytes_is_kept_whole_and_told_in_short() -> None:
    pipeline = Pipeline()
    pipeline.run(resized("page.png"), Recognizer("a long line of a printed page " * 30, 5000))
    document = pipeline.processed.get(f"analyses/{CAT}/0/analysis.json").body
    answers = json.loads(document)["answers"]
    assert len(document) > 10_000_000
    assert [len(answers[d][n]) for d, n in (("labels", "Labels"), ("text", "TextDetections"))] == [
        5000,
        5000,
    ]
    assert max(pipeline.aws.published) < 100_000
    assert max(pipeline.aws.written) < 100_000


def test_two_facts_that_say_as_much_as_can_be_read_make_a_verdict_and_a_record_that_fit() -> None:
    least = max(sized(second(fact).to_json()) for fact in (RESIZED, ANALYZED))
    room = LARGEST_EVENT - least - 100
    pipeline = Pipeline()
    pipeline.run(RESIZED.model_copy(update={"owner": "o" * room}), Recognizer("Cat", 1))
    assert fits(pipeline)
