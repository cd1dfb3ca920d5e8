"""Messages that SNS and SQS reject for their size or characters."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from shared.bus import SnsBus, SqsQueue
from shared.errors import LONGEST_DETAIL, Fault, PermanentError
from tests.contract.samples import SECOND

DEAD = "http://queue/dead"


def stubbed(service: str) -> Iterator[Stubber]:
    client = boto3.client(
        service,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    yield from stubbed("sns")


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    yield from stubbed("sqs")


def dead_letter(**strings: str) -> dict[str, Any]:
    attributes = {n: {"DataType": "String", "StringValue": value} for n, value in strings.items()}
    return {"QueueUrl": DEAD, "MessageBody": "the body", "MessageAttributes": attributes}


def send(sqs: Stubber, detail: str = "why") -> None:
    SqsQueue(sqs.client, "unused", DEAD).dead_letter("the body", "unreadable", detail)


def test_a_message_without_room_for_attributes_is_dead_lettered_without_them(sqs: Stubber) -> None:
    expected = dead_letter(reason="unreadable", detail="why")
    sqs.add_client_error("send_message", "InvalidParameterValue", expected_params=expected)
    sqs.add_response("send_message", {"MessageId": "m1"}, dead_letter())
    send(sqs)


def test_a_message_that_sqs_rejects_twice_is_an_internal_fault(sqs: Stubber) -> None:
    for _ in range(2):
        sqs.add_client_error("send_message", "InvalidParameterValue", "too long")
    with pytest.raises(PermanentError) as refused:
        send(sqs)
    assert (refused.value.reason, refused.value.fault) == ("refused-by-sqs", Fault.INTERNAL)


@pytest.mark.parametrize("detail", ["\ud800 is half a character", "\0", "\ufffe", "line\nbreak"])
def test_a_detail_contains_only_characters_that_sqs_accepts(sqs: Stubber, detail: str) -> None:
    expected = dead_letter(reason="unreadable", detail=ANY)
    sqs.add_response("send_message", {"MessageId": "m1"}, expected)
    sent: list[str] = []
    sqs.client.meta.events.register(
        "before-parameter-build.sqs.SendMessage",
        lambda params, **_: sent.append(params["MessageAttributes"]["detail"]["StringValue"]),
    )
    send(sqs, detail * LONGEST_DETAIL)
    assert sent[0].isprintable()
    assert len(sent[0]) == LONGEST_DETAIL


def test_an_event_that_sns_rejects_is_a_permanent_error(sns: Stubber) -> None:
    sns.add_client_error("publish", "InvalidParameter", "Message too long")
    with pytest.raises(PermanentError) as refused:
        SnsBus(sns.client, "arn:aws:sns:us-east-1:000000000000:events").publish([SECOND])
    assert (refused.value.reason, refused.value.fault) == ("refused-by-sns", Fault.INTERNAL)
