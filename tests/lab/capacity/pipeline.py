"""Run the services' code one hop at a time, over the AWS of the given clients."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote_plus

from services.analyze import handler as analyze
from services.analyze.documents import Documents
from services.analyze.logic import AnalysisRequest
from services.analyze.rekognition import Recognizer
from services.analyze.reuse import Reuse
from services.analyze.settings import AnalyzeSettings
from services.analyze.steps import Steps as AnalyzeSteps
from services.notify import handler as notify
from services.notify.steps import Steps as NotifySteps
from services.notify.topic import SnsNotifications
from services.resize import handler as resize
from services.resize.settings import ResizeSettings
from services.resize.steps import Steps as ResizeSteps
from services.store import handler as store
from services.store.records import DynamoRecordsWriter
from services.store.search_index import DynamoSearchIndex
from services.store.steps import Steps as StoreSteps
from shared.bus import SnsBus
from shared.consumer import consume
from shared.contracts.envelope import Envelope, Event
from shared.delivery import Limits, Route, Service
from shared.ledger import DynamoLedger
from shared.objects import S3Objects
from shared.records import DynamoRecords
from tests.contract.conftest import make_table
from tests.fakes import Clock, FixedTime, MemoryQueue, sqs_batch

BUCKETS = ("uploads", "processed")
TOPICS = ("events", "notifications")

Clients = Callable[[str, str], Any]
"""Returns a client: for which Darkroom service, of which AWS service."""

CONSUMERS = {
    "image.resized.v1": ("store", "analyze"),
    "image.analyzed.v1": ("store",),
    "image.completed.v1": ("notify",),
}
"""The consumers of each event; ``store`` first, so that the record exists before the analysis."""

SETTINGS = dict.fromkeys(
    ("stage", "queue_url", "dead_letter_queue_url", "events_topic_arn"), "not used here"
) | {
    "uploads_bucket": "uploads",
    "processed_bucket": "processed",
    "records_table": "records",
    "ledger_table": "ledger",
    "function_timeout": 30,
    "worst_case": 5,
    "max_attempts": 5,
}


@dataclass
class Published:
    """A bus that records envelopes and publishes them to the real topic."""

    bus: SnsBus
    envelopes: list[Envelope] = field(default_factory=list)

    def publish(self, envelopes: Any) -> None:
        self.bus.publish(envelopes)
        self.envelopes.extend(envelopes)


@dataclass
class Pipeline:
    """Four services; each event is passed to its consumers, in order."""

    services: Mapping[str, Service]
    published: Mapping[str, Published]
    uploads: Any

    def upload(self, key: str, body: bytes) -> str:
        """Upload an original; return S3's notification of it."""
        answer = self.uploads.put_object(Bucket="uploads", Key=key, Body=body)
        return notification(key, len(body), answer["ETag"].strip('"'))

    def hops(self, notification: str) -> Iterator[tuple[str, str, Callable[[], None]]]:
        """Every hop of one upload: its service, its event type and a function that runs it.

        The caller must run each hop before it takes the next one.
        """
        waiting = [("resize", "image.uploaded.v1", notification)]
        while waiting:
            name, kind, body = waiting.pop(0)
            published = len(self.published[name].envelopes)
            yield name, kind, partial(self._consume, name, body)
            for envelope in self.published[name].envelopes[published:]:
                body = envelope.to_json()
                waiting += [(s, envelope.type, body) for s in CONSUMERS[envelope.type]]

    def _consume(self, name: str, body: str) -> None:
        answer = consume(self.services[name], sqs_batch(body), FixedTime())
        assert answer == {"batchItemFailures": []}, f"{name} returned a message: {body[:200]}"


def create_resources(s3: Any, dynamodb: Any, sns: Any) -> None:
    """Create the buckets, tables and topics of the stack."""
    for bucket in BUCKETS:
        s3.create_bucket(Bucket=bucket)
    make_table(dynamodb, "records", "item")
    make_table(dynamodb, "ledger", "claim")
    for topic in TOPICS:
        sns.create_topic(Name=topic)


def pipeline(
    client: Clients, recognizer: Recognizer, clock: Callable[[], float] | None = None
) -> Pipeline:
    """The four services over these clients, with their default settings."""
    published = {
        name: Published(SnsBus(client(name, "sns"), _topic(client(name, "sns"), "events")))
        for name in ("resize", "analyze", "store", "notify")
    }
    routes = {
        "resize": resize.routes(_resize(client)),
        "analyze": analyze.routes(_analyze(client, recognizer)),
        "store": store.routes(_store(client)),
        "notify": notify.routes(_notify(client)),
    }
    services = {
        name: _service(name, routes[name], published[name], client, clock or Clock())
        for name in routes
    }
    return Pipeline(services, published, client("upload", "s3"))


def _service(
    name: str,
    routes: Mapping[type[Event], Route],
    bus: Published,
    client: Clients,
    clock: Callable[[], float],
) -> Service:
    dynamodb = client(name, "dynamodb")
    return Service(
        name=name,
        routes=routes,
        bus=bus,
        queue=MemoryQueue(),
        ledger=DynamoLedger(dynamodb, "ledger"),
        runs=DynamoRecords(dynamodb, "records"),
        limits=Limits(timeout=30, worst_case=5, max_attempts=5),
        clock=clock,
    )


def _resize(client: Clients) -> ResizeSteps:
    settings = ResizeSettings.model_validate(SETTINGS | {"service": "resize"})
    s3 = client("resize", "s3")
    return ResizeSteps(
        S3Objects(s3, "uploads"), S3Objects(s3, "processed"), settings.renditions, settings.limits
    )


def _analyze(client: Clients, recognizer: Recognizer) -> AnalyzeSteps:
    request = AnalyzeSettings.model_validate(SETTINGS | {"service": "analyze"}).request
    processed = S3Objects(client("analyze", "s3"), "processed")
    return AnalyzeSteps(
        Documents(processed),
        Reuse(processed, DynamoRecords(client("analyze", "dynamodb"), "records")),
        {"rekognition": recognizer},
        AnalysisRequest("rekognition", request.detect, request.thresholds),
    )


def _store(client: Clients) -> StoreSteps:
    table = client("store", "dynamodb"), "records"
    return StoreSteps(
        DynamoRecordsWriter(*table),
        S3Objects(client("store", "s3"), "processed"),
        DynamoSearchIndex(*table),
    )


def _notify(client: Clients) -> NotifySteps:
    sns = client("notify", "sns")
    return NotifySteps(SnsNotifications(sns, _topic(sns, "notifications")))


def _topic(sns: Any, name: str) -> str:
    topics = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    return next(arn for arn in topics if arn.endswith(f":{name}"))


def notification(key: str, size: int, etag: str) -> str:
    """S3's notification of an upload, with only the fields that are read."""
    at = "2026-11-21T04:03:51.412Z"
    s3_object = {
        "key": quote_plus(key, safe="/"),
        "size": size,
        "eTag": etag,
        "sequencer": "0055AED6DCD902",
    }
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": at,
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "uploads"}, "object": s3_object},
    }
    return json.dumps({"Records": [record]})
