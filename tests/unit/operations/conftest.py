"""A stage in moto: S3, SQS, SNS, DynamoDB, and records as ``store`` writes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.deploy.outputs import Outputs
from infra.operations.images import Images
from services.store.logic import Policy, decide
from services.store.records import DynamoRecordsWriter
from shared.contracts.envelope import Event
from shared.contracts.record import Record
from tests.contract.conftest import make_table

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
REGION = "us-east-1"


class MotoClients:
    """Creates one client for each service; inside ``mock_aws`` they use moto."""

    def __init__(self) -> None:
        self.client = cache(self._client)

    def _client(self, service: str) -> Any:
        return boto3.client(
            service, region_name=REGION, aws_access_key_id="t", aws_secret_access_key="t"
        )


@dataclass(frozen=True)
class Stage:
    """The stage, and the queue that receives its events."""

    images: Images
    queue: str

    def client(self, service: str) -> Any:
        return self.images.clients.client(service)

    def put_record(
        self,
        *events: Event,
        at: datetime = NOW - timedelta(hours=2),
        policy: Policy = Policy.FLAG,
    ) -> Record:
        """The record after these events, as ``store`` would have written it."""
        records = DynamoRecordsWriter(self.client("dynamodb"), "records")
        record = None
        for event in events:
            record = decide(record, event, at, policy)
            assert records.write(record)
        return record

    def published(self) -> list[str]:
        answer = self.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with mock_aws():
        clients = MotoClients()
        topic, published = events(clients)
        for bucket in ("uploads", "processed"):
            clients.client("s3").create_bucket(Bucket=bucket)
        clients.client("s3").put_bucket_versioning(
            Bucket="uploads", VersioningConfiguration={"Status": "Enabled"}
        )
        make_table(clients.client("dynamodb"), "records", "item")
        make_table(clients.client("dynamodb"), "ledger", "claim")
        queue = clients.client("sqs").create_queue(QueueName="notify")["QueueUrl"]
        outputs = Outputs(
            endpoint=None,
            region=REGION,
            stage="test",
            account="0",
            buckets={"uploads": "uploads", "processed": "processed"},
            topics={"events": topic, "notifications": ""},
            table="records",
            tables={"records": "records", "ledger": "ledger"},
            queues={"notify": queue},
            dead_letter_queues={},
            functions={},
            addresses={},
        )
        yield Stage(Images(outputs, clients, lambda: NOW), published)


def events(clients: MotoClients) -> tuple[str, str]:
    sns, sqs = clients.client("sns"), clients.client("sqs")
    topic = sns.create_topic(Name="events")["TopicArn"]
    queue = sqs.create_queue(QueueName="published")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"], Attributes=raw)
    return topic, queue
