"""The topic and the queues as their readers meet them, on moto's SNS and SQS."""

import json
from typing import Any

import pytest

from services.notify.logic import render
from services.notify.topic import SnsNotifications
from shared.bus import SnsBus, SqsQueue
from shared.contracts.envelope import Envelope
from shared.errors import TransientError
from shared.message import Message
from tests.contract.samples import FIRST, NOTIFICATIONS, SECOND, THIRD


@pytest.fixture
def sqs(aws: Any) -> Any:
    return aws("sqs")


@pytest.fixture
def sns(aws: Any) -> Any:
    return aws("sns")


def make_queue(sqs: Any, name: str, visibility: int = 0) -> str:
    made = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(visibility)})
    return str(made["QueueUrl"])


def subscribe(sns: Any, topic: str, queue: str, **more: str) -> None:
    arn = f"arn:aws:sqs:us-east-1:123456789012:{queue.rsplit('/', 1)[-1]}"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=more)


def received(sqs: Any, queue: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=queue,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    )
    return answer.get("Messages", [])


@pytest.fixture
def topic(sns: Any) -> str:
    return str(sns.create_topic(Name="events")["TopicArn"])


def test_what_is_published_arrives_as_the_envelope_itself(sns: Any, sqs: Any, topic: str) -> None:
    queue = make_queue(sqs, "store")
    subscribe(sns, topic, queue, RawMessageDelivery="true")
    SnsBus(sns, topic).publish([SECOND])
    (message,) = received(sqs, queue)
    assert message["Body"] == SECOND.to_json()
    assert Envelope.model_validate_json(message["Body"]) == SECOND


def test_a_subscription_filters_on_the_one_attribute(sns: Any, sqs: Any, topic: str) -> None:
    queue = make_queue(sqs, "analyze")
    only = json.dumps({"type": ["image.resized.v1"]})
    subscribe(sns, topic, queue, RawMessageDelivery="true", FilterPolicy=only)
    SnsBus(sns, topic).publish([FIRST, SECOND, THIRD])
    (message,) = received(sqs, queue)
    assert message["Body"] == SECOND.to_json()
    said = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert said == {"type": "image.resized.v1"}


def test_a_topic_that_cannot_be_reached_is_tried_again(sns: Any) -> None:
    with pytest.raises(TransientError):
        SnsBus(sns, "arn:aws:sns:us-east-1:123456789012:nowhere").publish([FIRST])


def test_what_is_buried_carries_its_reason(sqs: Any) -> None:
    dead = make_queue(sqs, "resize-dead")
    SqsQueue(sqs, "unused", dead).dead_letter("the body", "unreadable", "not JSON: " + "x" * 2000)
    (message,) = received(sqs, dead)
    attributes = message["MessageAttributes"]
    assert message["Body"] == "the body"
    assert attributes["reason"]["StringValue"] == "unreadable"
    assert attributes["detail"]["StringValue"] == ("not JSON: " + "x" * 2000)[:1000]


def test_a_burial_without_words_gives_its_reason_twice(sqs: Any) -> None:
    dead = make_queue(sqs, "resize-dead")  # SQS refuses an attribute without a value
    SqsQueue(sqs, "unused", dead).dead_letter("the body", "unreadable", "")
    (message,) = received(sqs, dead)
    assert message["MessageAttributes"]["detail"]["StringValue"] == "unreadable"


def as_lambda_gives_it(received: dict[str, Any]) -> Message:
    return Message.of(
        {
            "messageId": received["MessageId"],
            "receiptHandle": received["ReceiptHandle"],
            "body": received["Body"],
            "attributes": received["Attributes"],
        }
    )


def test_a_message_handed_back_is_there_again(sqs: Any) -> None:
    queue = make_queue(sqs, "resize", visibility=600)
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    message = as_lambda_gives_it(received(sqs, queue)[0])
    assert received(sqs, queue) == []
    SqsQueue(sqs, queue, "unused").retry_later([(message, 0.4)])
    (again,) = received(sqs, queue)
    assert as_lambda_gives_it(again).receives == message.receives + 1 == 2


def test_a_message_that_is_gone_cannot_be_handed_back_but_all_others_are(sqs: Any) -> None:
    queue = make_queue(sqs, "resize", visibility=600)
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    lost = Message("m", "no receipt of this queue", "", "", 0, 1, {})
    waits = [(lost, 5), (as_lambda_gives_it(received(sqs, queue)[0]), 0)]
    with pytest.raises(TransientError, match="did not take back 1"):
        SqsQueue(sqs, queue, "unused").retry_later(waits)
    assert received(sqs, queue)


def test_ten_are_handed_back_in_one_call(sqs: Any) -> None:
    calls: list[str] = []
    sqs.meta.events.register("before-call.sqs", lambda model, **_: calls.append(model.name))
    lost = [(Message("m", "no receipt", "", "", 0, 1, {}), 5.0)] * 45
    with pytest.raises(TransientError, match="did not take back 45"):
        SqsQueue(sqs, make_queue(sqs, "resize"), "unused").retry_later(lost)
    assert calls.count("ChangeMessageVisibilityBatch") == 5


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_a_subscriber_is_told_in_its_own_words(sns: Any, sqs: Any, topic: str, name: str) -> None:
    queue = make_queue(sqs, "subscriber")
    subscribe(sns, topic, queue)
    words = render(NOTIFICATIONS[name])
    SnsNotifications(sns, topic).send(words)
    told = json.loads(received(sqs, queue)[0]["Body"])
    assert (told["Message"], told["Subject"]) == (words.data, words.subject)
    attributes = {name: value["Value"] for name, value in told["MessageAttributes"].items()}
    assert attributes == words.attributes
