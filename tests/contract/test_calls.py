"""The number of AWS calls to analyze and to record one image."""

from collections import Counter
from typing import Any

import pytest

from services.analyze.documents import Documents
from services.analyze.handler import routes
from services.analyze.logic import AnalysisRequest
from services.analyze.reuse import Reuse
from services.analyze.steps import Steps
from services.store.logic import decide
from services.store.records import DynamoRecordsWriter
from services.store.search_index import DynamoSearchIndex
from services.store.steps import Steps as StoreSteps
from shared.bus import SnsBus
from shared.consumer import consume
from shared.contracts.envelope import Envelope, Event
from shared.contracts.images import ImageResized, Reanalysis, ReplayRequested
from shared.delivery import Limits, Service, StepContext
from shared.ledger import DynamoLedger
from shared.objects import S3Objects
from shared.records import DynamoRecords
from tests.contract.conftest import MakeClient, make_table
from tests.contract.samples import ANALYZED, AT, CAT, RESIZED
from tests.fakes import FixedTime, MemoryQueue, sqs_batch
from tests.unit.analyze.bench import ALL, THRESHOLDS, Recognizer
from tests.unit.analyze.test_reuse import SAME

EVERY_EVENT = Counter({"UpdateItem": 2, "GetItem": 1, "GetObject": 1, "Publish": 1})
"""Acquire and complete the claim; check the run; look for a stored analysis; publish."""


class Deployed:
    """``analyze`` with a simulated AWS. Counts all calls, including those of Rekognition."""

    def __init__(self, aws: MakeClient) -> None:
        self.calls: Counter[str] = Counter()
        self.recognizer = Recognizer()
        s3, dynamodb, sns = (aws(name) for name in ("s3", "dynamodb", "sns"))
        s3.create_bucket(Bucket="processed")
        self.records = DynamoRecordsWriter(dynamodb, make_table(dynamodb, "records", "item"))
        self.bucket, runs = S3Objects(s3, "processed"), DynamoRecords(dynamodb, "records")
        steps = Steps(
            Documents(self.bucket),
            Reuse(self.bucket, runs),
            {"rekognition": self.recognizer},
            AnalysisRequest("rekognition", ALL, THRESHOLDS),
        )
        self.service = Service(
            name="analyze",
            routes=routes(steps),
            bus=SnsBus(sns, sns.create_topic(Name="events")["TopicArn"]),
            queue=MemoryQueue(),
            ledger=DynamoLedger(dynamodb, make_table(dynamodb, "ledger", "claim")),
            runs=runs,
            limits=Limits(timeout=30, worst_case=5, max_attempts=5),
        )
        for client in (s3, dynamodb, sns):
            client.meta.events.register("before-call", self._count)

    def _count(self, model: Any, **_: Any) -> None:
        self.calls[model.name] += 1

    def record(self, event: Event) -> None:
        """Write the event to the image's record, as ``store`` does."""
        record = decide(self.records.read(event.image), event, AT)
        assert record
        assert self.records.write(record)

    def calls_for(self, event: ImageResized, cause: str = "") -> Counter[str]:
        """The calls for this event, including ``Detect …`` of Rekognition."""
        self.calls.clear()
        self.recognizer.asked.clear()
        envelope = Envelope.first(event, "darkroom/resize", AT, cause)
        assert consume(self.service, sqs_batch(envelope.to_json()), FixedTime()) == NO_FAILURES
        return self.calls + Counter(
            f"Detect {detection}" for detection, *_ in self.recognizer.asked
        )


NO_FAILURES: dict[str, Any] = {"batchItemFailures": []}
DETECTIONS = Counter(f"Detect {detection}" for detection in ALL)


@pytest.fixture
def deployed(aws: MakeClient) -> Deployed:
    deployed = Deployed(aws)
    deployed.record(RESIZED)
    return deployed


def test_a_new_analysis_is_detected_stored_and_added_to_the_reuse_index(deployed: Deployed) -> None:
    index = Counter({"GetObject": 1, "GetItem": 1, "PutObject": 1})
    assert (
        deployed.calls_for(RESIZED) == EVERY_EVENT + DETECTIONS + Counter({"PutObject": 1}) + index
    )


def test_a_reused_analysis_takes_two_reads_and_one_write(deployed: Deployed) -> None:
    deployed.calls_for(RESIZED)
    reused = Counter({"GetObject": 2, "PutObject": 1})
    assert deployed.calls_for(SAME) == EVERY_EVENT + reused


def test_an_analysis_stored_before_its_worker_died_needs_no_more_calls(
    deployed: Deployed,
) -> None:
    deployed.calls_for(RESIZED)
    assert deployed.calls_for(RESIZED, cause="another event") == EVERY_EVENT


def test_a_reanalysis_repeats_the_detections_and_copies_the_previous_version(
    deployed: Deployed,
) -> None:
    deployed.calls_for(RESIZED)
    again = RESIZED.model_copy(update={"run": 1, "reanalysis": Reanalysis(of=0)})
    for event in (ANALYZED, ReplayRequested(image=CAT, run=0, analyze_only=True), again):
        deployed.record(event)
    copied = Counter({"ListObjectsV2": 1, "GetObject": 1, "PutObject": 1})
    stored_and_indexed = Counter({"PutObject": 2, "GetItem": 1})
    assert (
        deployed.calls_for(again, cause="a replay")
        == EVERY_EVENT + DETECTIONS + copied + stored_and_indexed
    )


class Store:
    """``store`` with a simulated AWS. Counts all calls and the actions of all transactions."""

    def __init__(self, aws: MakeClient) -> None:
        self.calls: Counter[str] = Counter()
        s3, dynamodb = aws("s3"), aws("dynamodb")
        s3.create_bucket(Bucket="processed")
        table = dynamodb, make_table(dynamodb, "records", "item")
        self.steps = StoreSteps(
            DynamoRecordsWriter(*table), S3Objects(s3, "processed"), DynamoSearchIndex(*table)
        )
        for client in (s3, dynamodb):
            client.meta.events.register("before-parameter-build", self._count)

    def _count(self, model: Any, params: Any, **_: Any) -> None:
        self.calls[model.name] += 1
        self.calls["transaction actions"] += len(params.get("TransactItems", ()))

    def calls_for(self, event: Event) -> Counter[str]:
        self.calls.clear()
        envelope = Envelope.first(event, "darkroom/tests", AT)
        list(self.steps.decide(event, StepContext(envelope, AT, lambda: None)))
        return +self.calls


READ_AND_TIMELINE = Counter({"GetItem": 1, "PutItem": 1})
"""Read the record; add the event to the timeline."""
INDEXED = Counter({"GetItem": 1, "TransactWriteItems": 1})
PROJECTED = Counter({"PutObject": 1, "GetItem": 1})
"""Write the result; read the record again."""


def test_a_fact_is_recorded_and_indexed_in_five_calls(aws: MakeClient) -> None:
    """The index state and three entries: of all images, of the status and of the owner."""
    recorded = READ_AND_TIMELINE + Counter({"PutItem": 1})
    assert Store(aws).calls_for(RESIZED) == recorded + INDEXED + Counter({"transaction actions": 4})


def test_an_outcome_is_projected_and_indexed_with_its_labels(aws: MakeClient) -> None:
    """The index state; three entries put and one deleted; flagged; fourteen bands; two labels and
    their counts.
    """
    store = Store(aws)
    store.calls_for(RESIZED)
    recorded = READ_AND_TIMELINE + Counter({"PutItem": 2})
    entries = Counter({"transaction actions": 1 + 3 + 1 + 1 + 14 + 2 + 2})
    assert store.calls_for(ANALYZED) == recorded + PROJECTED + INDEXED + entries


def test_a_repeated_event_takes_one_read_to_find_that_it_is_indexed(aws: MakeClient) -> None:
    store = Store(aws)
    store.calls_for(RESIZED)
    assert store.calls_for(RESIZED) == READ_AND_TIMELINE + Counter({"GetItem": 1})
