"""An SQS record as Lambda hands it over, read as a message."""

from shared.message import Message
from shared.testing import sqs_batch


def test_a_message_is_read_with_its_time_in_seconds() -> None:
    (record,) = sqs_batch("the body", sent=1_800_000_000.25, receives=3)["Records"]
    message = Message.of(record)
    assert (message.id, message.receipt, message.body) == ("m0", "r0", "the body")
    assert (message.sent, message.receives) == (1_800_000_000.25, 3)
    assert message.queue == "arn:aws:sqs:us-east-1:000000000000:q"


def test_a_message_is_read_with_its_own_attributes() -> None:
    (record,) = sqs_batch("the body")["Records"]
    record["messageAttributes"] = {"reason": {"dataType": "String", "stringValue": "killed"}}
    assert Message.of(record).attributes == {"reason": "killed"}


def test_a_message_without_the_queues_own_words_is_a_first_receive() -> None:
    bare = {"messageId": "m", "receiptHandle": "r", "body": "b"}
    assert Message.of(bare) == Message("m", "r", "b", "", 0.0, 1, {})
