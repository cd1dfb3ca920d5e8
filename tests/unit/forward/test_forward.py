"""A verdict is handed on whole, under its own id, and what EventBridge says of it is readable."""

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from services.forward.bridge import EventBridge
from services.forward.handler import routes
from services.forward.logic import entry
from services.forward.steps import Steps
from shared.contracts.envelope import read_envelope
from shared.contracts.images import Decision
from shared.contracts.notification import STATUS
from shared.errors import DarkroomError, PermanentError, Throttled, TransientError
from tests.contract.samples import golden

STORED = read_envelope(json.loads(golden("image.completed.v1")))
PUT = entry(STORED, "test")


def asked(*answers: dict[str, Any]) -> None:
    """Put the entry against a client that answers so."""
    client = boto3.client("events", region_name="us-east-1")
    with Stubber(client) as stub:
        for answer in answers:
            stub.add_response("put_events", answer, {"Entries": [{**PUT, "EventBusName": "mine"}]})
        EventBridge(client, "mine").put(PUT)


def refusing(code: str) -> dict[str, Any]:
    return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]}


def test_the_whole_envelope_goes_on_as_it_is() -> None:
    assert json.loads(str(PUT["Detail"])) == json.loads(golden("image.completed.v1"))
    assert (PUT["Source"], PUT["DetailType"]) == ("darkroom.test", "image.completed.v1")
    assert PUT["Time"] == STORED.time


def test_every_notified_outcome_is_forwarded() -> None:
    steps = Steps(EventBridge(None, "mine"), "test")
    assert routes(steps).keys() == set[type[Decision]](STATUS)


def test_an_accepted_entry_succeeds() -> None:
    asked({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", Throttled),
        ("InternalFailure", TransientError),
        ("MalformedDetail", PermanentError),
    ],
)
def test_a_failed_entry_in_a_successful_response_raises(
    code: str, error: type[DarkroomError]
) -> None:
    with pytest.raises(error) as refusal:
        asked(refusing(code))
    assert refusal.value.facts["code"] == code


@pytest.mark.parametrize(
    ("code", "error"),
    [("ThrottlingException", Throttled), ("ResourceNotFoundException", PermanentError)],
)
def test_a_refused_call_is_translated_by_its_code(code: str, error: type[DarkroomError]) -> None:
    client = boto3.client("events", region_name="us-east-1")
    with Stubber(client) as stub:
        stub.add_client_error("put_events", code)
        with pytest.raises(error):
            EventBridge(client, "mine").put(PUT)
