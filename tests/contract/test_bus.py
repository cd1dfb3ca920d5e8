"""The adapters of SNS and SQS, seen from a subscriber, with moto."""

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
    queue = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(visibility)})
    return str(queue["QueueUrl"])


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


def test_a_published_envelope_arrives_unchanged(sns: Any, sqs: Any, topic: str) -> None:
    queue = make_queue(sqs, "store")
    subscribe(sns, topic, queue, RawMessageDelivery="true")
    SnsBus(sns, topic).publish([SECOND])
    (message,) = received(sqs, queue)
    assert message["Body"] == SECOND.to_json()
    assert Envelope.model_validate_json(message["Body"]) == SECOND


def test_a_subscription_filters_on_the_type_attribute(sns: Any, sqs: Any, topic: str) -> None:
    queue = make_queue(sqs, "analyze")
    only = json.dumps({"type": ["image.resized.v1"]})
    subscribe(sns, topic, queue, RawMessageDelivery="true", FilterPolicy=only)
    SnsBus(sns, topic).publish([FIRST, SECOND, THIRD])
    (message,) = received(sqs, queue)
    assert message["Body"] == SECOND.to_json()
    attributes = {
        name: value["StringValue"] for name, value in message["MessageAttributes"].items()
    }
    assert attributes == {"type": "image.resized.v1"}


def test_a_missing_topic_is_a_transient_error(sns: Any) -> None:
    with pytest.raises(TransientError):
        SnsBus(sns, "arn:aws:sns:us-east-1:123456789012:nowhere").publish([FIRST])


def test_a_dead_lettered_message_carries_its_reason_and_a_short_detail(sqs: Any) -> None:
    dead = make_queue(sqs, "resize-dead")
    SqsQueue(sqs, "unused", dead).dead_letter("the body", "unreadable", "not JSON: " + "x" * 2000)
    (message,) = received(sqs, dead)
    attributes = message["MessageAttributes"]
    assert message["Body"] == "the body"
    assert attributes["reason"]["StringValue"] == "unreadable"
    assert attributes["detail"]["StringValue"] == ("not JSON: " + "x" * 2000)[:1000]


def test_an_empty_detail_is_replaced_by_the_reason(sqs: Any) -> None:
    dead = make_queue(sqs, "resize-dead")  # SQS refuses an attribute without a value
    SqsQueue(sqs, "unused", dead).dead_letter("the body", "unreadable", "")
    (message,) = received(sqs, dead)
    assert message["MessageAttributes"]["detail"]["StringValue"] == "unreadable"


def lambda_message(received: dict[str, Any]) -> Message:
    return Message.of(
        {
            "messageId": received["MessageId"],
            "receiptHandle": received["ReceiptHandle"],
            "body": received["Body"],
            "attributes": received["Attributes"],
        }
    )


def test_a_message_to_retry_later_is_received_again(sqs: Any) -> None:
    queue = make_queue(sqs, "resize", visibility=600)
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    message = lambda_message(received(sqs, queue)[0])
    assert received(sqs, queue) == []
    SqsQueue(sqs, queue, "unused").retry_later([(message, 0.4)])
    (again,) = received(sqs, queue)
    assert lambda_message(again).receives == message.receives + 1 == 2


def test_an_expired_receipt_does_not_prevent_the_retry_of_other_messages(sqs: Any) -> None:
    queue = make_queue(sqs, "resize", visibility=600)
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    lost = Message("m", "no receipt of this queue", "", "", 0, 1, {})
    waits = [(lost, 5), (lambda_message(received(sqs, queue)[0]), 0)]
    with pytest.raises(
        TransientError, match="the visibility timeout of 1 messages was not changed"
    ):
        SqsQueue(sqs, queue, "unused").retry_later(waits)
    assert received(sqs, queue)


def test_visibility_timeouts_are_changed_in_batches_of_ten(sqs: Any) -> None:
    calls: list[str] = []
    sqs.meta.events.register("before-call.sqs", lambda model, **_: calls.append(model.name))
    lost = [(Message("m", "no receipt", "", "", 0, 1, {}), 5.0)] * 45
    with pytest.raises(
        TransientError, match="the visibility timeout of 45 messages was not changed"
    ):
        SqsQueue(sqs, make_queue(sqs, "resize"), "unused").retry_later(lost)
    assert calls.count("ChangeMessageVisibilityBatch") == 5


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_a_subscriber_receives_the_text_the_subject_and_the_attributes(
    sns: Any, sqs: Any, topic: str, name: str
) -> None:
    queue = make_queue(sqs, "subscriber")
    subscribe(sns, topic, queue)
    sent = render(NOTIFICATIONS[name])
    SnsNotifications(sns, topic).send(sent)
    message = json.loads(received(sqs, queue)[0]["Body"])
    assert (message["Message"], message["Subject"]) == (sent.data, sent.subject)
    attributes = {name: value["Value"] for name, value in message["MessageAttributes"].items()}
    assert attributes == sent.attributes
