"""A temporary queue that is subscribed to the notifications topic."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.local.policies import from_topic

LONGEST_POLL = 20
"""s: the longest wait that SQS allows."""


@dataclass(frozen=True)
class Subscription:
    """Receives every notification that is sent while it exists."""

    sqs: Any
    queue: str

    def receive(self, seconds: float = LONGEST_POLL) -> list[str]:
        """Up to ten notifications, as JSON; empty if none arrives within this time."""
        answer = self.sqs.receive_message(
            QueueUrl=self.queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=max(0, min(LONGEST_POLL, round(seconds))),
        )
        messages = answer.get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]


@contextmanager
def subscribed(outputs: Outputs, clients: Clients) -> Iterator[Subscription]:
    """Subscribe to the notifications topic; remove queue and subscription at the end."""
    sqs, sns = clients.client("sqs"), clients.client("sns")
    topic = outputs.topics["notifications"]
    name = f"darkroom-{outputs.stage}-listener-{uuid.uuid4().hex[:8]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    try:
        arn = f"arn:aws:sqs:{outputs.region}:{outputs.account}:{name}"
        policy = json.dumps(from_topic(topic, arn))
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        with _subscription(sns, topic, arn):
            yield Subscription(sqs, queue)
    finally:
        sqs.delete_queue(QueueUrl=queue)


@contextmanager
def _subscription(sns: Any, topic: str, queue: str) -> Iterator[None]:
    subscription = sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue,
        Attributes={"RawMessageDelivery": "true"},  # the body is the notification itself
        ReturnSubscriptionArn=True,
    )
    try:
        yield
    finally:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
