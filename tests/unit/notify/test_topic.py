"""The notifications topic, as SNS's own service model takes it."""

import json
from collections.abc import Iterator

import pytest
from botocore.stub import Stubber

from services.notify.logic import render
from services.notify.topic import SnsNotifications
from shared.errors import PermanentError, Throttled
from tests.contract.samples import NOTIFICATIONS
from tests.stubs import stubbed

TOPIC = "arn:aws:sns:us-east-1:000000000000:notifications"
WORDS = render(NOTIFICATIONS["notification.v1.completed"])


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with stubbed("sns") as stubber:
        yield stubber


def test_each_protocol_gets_its_own_format(stub: Stubber) -> None:
    expected = {
        "TopicArn": TOPIC,
        "Subject": WORDS.subject,
        "Message": json.dumps(
            {"default": WORDS.data, "email": WORDS.email, "sms": WORDS.sms}, ensure_ascii=False
        ),
        "MessageStructure": "json",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in WORDS.attributes.items()
        },
    }
    stub.add_response("publish", {"MessageId": "m1"}, expected)
    SnsNotifications(stub.client, TOPIC).send(WORDS)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AuthorizationError", PermanentError),
        ("InvalidParameter", PermanentError),
        ("Throttled", Throttled),
    ],
)
def test_a_refusal_is_internal(stub: Stubber, code: str, kind: type[Exception]) -> None:
    stub.add_client_error("publish", code, "because")
    with pytest.raises(kind):
        SnsNotifications(stub.client, TOPIC).send(WORDS)
