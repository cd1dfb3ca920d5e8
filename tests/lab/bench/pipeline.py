"""The four services with their real adapters over moto, in one process.

Every call to AWS is counted. This module replaces the events topic: it passes each message to the
services that consume it.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from services.analyze import handler as analyze
from services.analyze.documents import Documents
from services.analyze.logic import AnalysisRequest, Thresholds
from services.analyze.reuse import Reuse
from services.analyze.settings import AnalyzeSettings
from services.analyze.steps import Steps as AnalyzeSteps
from services.notify import handler as notify
from services.notify.steps import Steps as NotifySteps
from services.notify.topic import SnsNotifications
from services.resize import handler as resize
from services.resize.logic import Limits, Spec
from services.resize.steps import Steps as ResizeSteps
from services.store import handler as store
from services.store.records import DynamoRecordsWriter
from services.store.search_index import DynamoSearchIndex
from services.store.steps import Steps as StoreSteps
from shared import delivery
from shared.bus import SnsBus
from shared.consumer import consume
from shared.contracts.envelope import Event
from shared.delivery import Route, Service
from shared.ledger import DynamoLedger
from shared.message import message_records, read
from shared.objects import S3Objects
from shared.records import DynamoRecords
from tests.contract.conftest import make_table
from tests.fakes import FixedTime, MemoryQueue, s3_notification, sqs_batch
from tests.pictures import encoded, photo
from tests.unit.analyze.bench import Recognizer

SPECS = (Spec("thumbnail", 256), Spec("preview", 1024), Spec("web", 2048))
DETECTIONS = AnalyzeSettings.model_fields["detect"].default
LIMITS = delivery.Limits(timeout=30, worst_case=5, max_attempts=5)

MAKE_API_CALL: Callable[..., Any] = BaseClient._make_api_call


@dataclass
class Hop:
    """One service's handling of one event, and its calls by name."""

    service: str
    event: str
    calls: Counter[str] = field(default_factory=Counter)


class Pipeline:
    """``make`` returns clients of one empty AWS."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._s3, self._sns, dynamodb = (make(name) for name in ("s3", "sns", "dynamodb"))
        for bucket in ("uploads", "processed"):
            self._s3.create_bucket(Bucket=bucket)
        self._s3.put_bucket_versioning(
            Bucket="uploads", VersioningConfiguration={"Status": "Enabled"}
        )
        self._topic, notifications = (
            self._sns.create_topic(Name=name)["TopicArn"] for name in ("events", "notifications")
        )
        self._ledger = DynamoLedger(dynamodb, make_table(dynamodb, "ledger", "claim"))
        records = dynamodb, make_table(dynamodb, "records", "item")
        self._runs = DynamoRecords(*records)
        self._recognizer = Recognizer()
        processed = S3Objects(self._s3, "processed")
        uploads = S3Objects(self._s3, "uploads")
        self._services = [
            self._service(
                "resize", resize.routes(ResizeSteps(uploads, processed, SPECS, Limits()))
            ),
            self._service("analyze", analyze.routes(self._analyzer(processed))),
            self._service(
                "store",
                store.routes(
                    StoreSteps(
                        DynamoRecordsWriter(*records), processed, DynamoSearchIndex(*records)
                    )
                ),
            ),
            self._service(
                "notify", notify.routes(NotifySteps(SnsNotifications(self._sns, notifications)))
            ),
        ]
        self._waiting: deque[str] = deque()

    def _analyzer(self, processed: S3Objects) -> AnalyzeSteps:
        return AnalyzeSteps(
            Documents(processed),
            Reuse(processed, self._runs),
            {"rekognition": self._recognizer},
            AnalysisRequest("rekognition", DETECTIONS, Thresholds()),
        )

    def _service(self, name: str, routes: Mapping[type[Event], Route]) -> Service:
        return Service(
            name=name,
            routes=routes,
            bus=SnsBus(self._sns, self._topic),
            queue=MemoryQueue(),
            ledger=self._ledger,
            runs=self._runs,
            limits=LIMITS,
        )

    def send(self, n: int) -> list[Hop]:
        """Upload the n-th picture, which is unique, and handle all its events."""
        body, key = encoded(photo(64, 48, n), "JPEG"), f"{n}.jpg"
        version = self._s3.put_object(Bucket="uploads", Key=key, Body=body)["VersionId"]
        hops = [
            self._hop(self._services[0], s3_notification(("uploads", key, body), version=version))
        ]
        while self._waiting:
            message = self._waiting.popleft()
            kind = type(read(*message_records(message)).data)
            hops += [self._hop(s, message) for s in self._services if kind in s.routes]
        return hops

    def _hop(self, service: Service, message: str) -> Hop:
        hop = Hop(service.name, read(*message_records(message)).type)
        self._recognizer.asked.clear()
        with self._counted(hop.calls):
            failed = consume(service, sqs_batch(message), FixedTime())["batchItemFailures"]
        assert not failed, f"{service.name} could not handle {hop.event}"
        hop.calls.update(f"Detect {detection}" for detection, *_ in self._recognizer.asked)
        return hop

    @contextmanager
    def _counted(self, calls: Counter[str]) -> Iterator[None]:
        def call(client: Any, name: str, params: Mapping[str, Any]) -> Any:
            calls[name] += 1
            if params.get("TopicArn") == self._topic:
                self._waiting.append(params["Message"])
            return MAKE_API_CALL(client, name, params)

        with patch.object(BaseClient, "_make_api_call", call):
            yield
