"""What analyzing and recording one image cost in calls to AWS. A price list."""

from collections import Counter
from typing import Any

import pytest

from services.analyze.documents import Documents
from services.analyze.handler import routes
from services.analyze.logic import Question
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

IN_ANY_CASE = Counter({"UpdateItem": 2, "GetItem": 1, "GetObject": 1, "Publish": 1})
"""Claim and settle; see that the run is open; look what is kept already; announce."""


class Deployed:
    """Analyze over AWS, which counts its calls. Rekognition's, which cost most, are counted too."""

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
            Question("rekognition", ALL, THRESHOLDS),
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

    def hear(self, event: Event) -> None:
        """``store`` writes what it hears of the image."""
        record = decide(self.records.read(event.image), event, AT)
        assert record
        assert self.records.write(record)

    def calls_for(self, event: ImageResized, cause: str = "") -> Counter[str]:
        """What it takes to answer this event, Rekognition's calls among it."""
        self.calls.clear()
        self.recognizer.asked.clear()
        envelope = Envelope.first(event, "darkroom/resize", AT, cause)
        assert consume(self.service, sqs_batch(envelope.to_json()), FixedTime()) == NOTHING_FAILED
        return self.calls + Counter(f"Detect {one}" for one, *_ in self.recognizer.asked)


NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}
PAID = Counter(f"Detect {detection}" for detection in ALL)


@pytest.fixture
def deployed(aws: MakeClient) -> Deployed:
    deployed = Deployed(aws)
    deployed.hear(RESIZED)
    return deployed


def test_an_analysis_is_paid_for_kept_and_entered_in_the_index(deployed: Deployed) -> None:
    index = Counter({"GetObject": 1, "GetItem": 1, "PutObject": 1})
    assert deployed.calls_for(RESIZED) == IN_ANY_CASE + PAID + Counter({"PutObject": 1}) + index


def test_content_that_was_analysed_before_takes_two_reads_and_a_write(deployed: Deployed) -> None:
    deployed.calls_for(RESIZED)
    reused = Counter({"GetObject": 2, "PutObject": 1})
    assert deployed.calls_for(SAME) == IN_ANY_CASE + reused


def test_an_analysis_that_was_kept_before_its_worker_died_takes_nothing_more(
    deployed: Deployed,
) -> None:
    deployed.calls_for(RESIZED)
    assert deployed.calls_for(RESIZED, cause="after the ledger forgot") == IN_ANY_CASE


def test_a_reanalysis_pays_and_copies_the_version_before(deployed: Deployed) -> None:
    deployed.calls_for(RESIZED)
    again = RESIZED.model_copy(update={"run": 1, "reanalysis": Reanalysis(of=0)})
    for event in (ANALYZED, ReplayRequested(image=CAT, run=0, analyze_only=True), again):
        deployed.hear(event)
    copied = Counter({"ListObjectsV2": 1, "GetObject": 1, "PutObject": 1})
    kept_and_entered = Counter({"PutObject": 2, "GetItem": 1})
    assert (
        deployed.calls_for(again, cause="the grant")
        == IN_ANY_CASE + PAID + copied + kept_and_entered
    )


class Store:
    """Store over AWS, which counts its calls, its transactions' writes among them."""

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
        self.calls["written at once"] += len(params.get("TransactItems", ()))

    def calls_for(self, event: Event) -> Counter[str]:
        self.calls.clear()
        envelope = Envelope.first(event, "darkroom/tests", AT)
        list(self.steps.decide(event, StepContext(envelope, AT, lambda: None)))
        return +self.calls


READ_AND_NOTED = Counter({"GetItem": 1, "PutItem": 1})
"""The record, and the timeline."""
LISTED = Counter({"GetItem": 1, "TransactWriteItems": 1})
SHOWN = Counter({"PutObject": 1, "GetItem": 1})
"""The result, and the record once more."""


def test_a_fact_is_recorded_and_listed_in_five_calls(aws: MakeClient) -> None:
    """The image is at work: in the list of all, of its status and of its owner."""
    recorded = READ_AND_NOTED + Counter({"PutItem": 1})
    assert Store(aws).calls_for(RESIZED) == recorded + LISTED + Counter({"written at once": 4})


def test_a_verdict_is_shown_and_listed_with_all_that_is_seen_in_it(aws: MakeClient) -> None:
    """A note; three lists it stays in and joins, one it leaves; flagged; fourteen bands; two labels
    and their counts.
    """
    store = Store(aws)
    store.calls_for(RESIZED)
    recorded = READ_AND_NOTED + Counter({"PutItem": 2})
    entries = Counter({"written at once": 1 + 3 + 1 + 1 + 14 + 2 + 2})
    assert store.calls_for(ANALYZED) == recorded + SHOWN + LISTED + entries


def test_what_comes_again_takes_one_read_to_see_that_it_is_listed(aws: MakeClient) -> None:
    store = Store(aws)
    store.calls_for(RESIZED)
    assert store.calls_for(RESIZED) == READ_AND_NOTED + Counter({"GetItem": 1})
