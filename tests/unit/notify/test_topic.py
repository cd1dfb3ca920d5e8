"""The SNS adapter matches botocore's service model: the call and its errors."""

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
MESSAGE = render(NOTIFICATIONS["notification.v1.completed"])


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with stubbed("sns") as stubber:
        yield stubber


def test_each_protocol_gets_its_own_format(stub: Stubber) -> None:
    expected = {
        "TopicArn": TOPIC,
        "Subject": MESSAGE.subject,
        "Message": json.dumps(
            {"default": MESSAGE.data, "email": MESSAGE.email, "sms": MESSAGE.sms},
            ensure_ascii=False,
        ),
        "MessageStructure": "json",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in MESSAGE.attributes.items()
        },
    }
    stub.add_response("publish", {"MessageId": "m1"}, expected)
    SnsNotifications(stub.client, TOPIC).send(MESSAGE)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AuthorizationError", PermanentError),
        ("InvalidParameter", PermanentError),
        ("Throttled", Throttled),
    ],
)
def test_a_refused_message_raises_by_its_error_code(
    stub: Stubber, code: str, kind: type[Exception]
) -> None:
    stub.add_client_error("publish", code, "because")
    with pytest.raises(kind):
        SnsNotifications(stub.client, TOPIC).send(MESSAGE)
