"""Outcomes that ``forward`` puts on the EventBridge bus reach the targets of matching rules."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import DEADLINE, Stack


@pytest.fixture
def queue(ministack: Stack) -> Iterator[str]:
    """The URL of a queue that is the target of a rule for completed images."""
    sqs, events = ministack.client("sqs"), ministack.client("events")
    url = sqs.create_queue(QueueName="forwarded")["QueueUrl"]
    arn = f"arn:aws:sqs:{ministack.outputs.region}:{ministack.outputs.account}:forwarded"
    sender = {"Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Resource": arn, **sender}],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    pattern = {"source": ["darkroom.local"], "detail-type": ["image.completed.v1"]}
    events.put_rule(Name="forwarded", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="forwarded", Targets=[{"Id": "queue", "Arn": arn}])
    yield url
    events.remove_targets(Rule="forwarded", Ids=["queue"])
    events.delete_rule(Name="forwarded")
    sqs.delete_queue(QueueUrl=url)


def received(stack: Stack, url: str, image: str) -> dict[str, Any]:
    """The first event of this image; fails after ``DEADLINE``."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        answer = stack.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            event: dict[str, Any] = json.loads(message["Body"])
            if event["detail"]["data"]["image"] == image:
                return event
    raise AssertionError(f"no event of {image} was forwarded")


def test_a_rule_on_the_default_bus_receives_the_outcome(
    ministack: Stack, queue: str, cat: Path
) -> None:
    with ministack.listening() as listener:
        ministack.upload("forwarded/cat.jpg", cat.read_bytes())
        notification = listener.notification("forwarded/cat.jpg")
    event = received(ministack, queue, notification["image"])
    assert (event["source"], event["detail-type"]) == ("darkroom.local", "image.completed.v1")
    assert event["detail"]["id"] == notification["id"]
