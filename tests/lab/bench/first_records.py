"""The first invocation of each function: its event, and how to check that it was handled."""

import json
from dataclasses import dataclass
from typing import Any

from shared.contracts.envelope import Envelope, Event
from tests.contract import samples

NOTIFICATION = {
    "eventVersion": "2.1",
    "eventSource": "aws:s3",
    "awsRegion": "us-east-1",
    "eventTime": "2026-11-21T10:00:00.000Z",
    "eventName": "ObjectCreated:Put",
    "s3": {
        "bucket": {"name": "uploads", "arn": "arn:aws:s3:::uploads"},
        "object": {"key": "any/cat.jpg", "size": 37971, "eTag": "1", "sequencer": "00"},
    },
}
DONE = {"batchItemFailures": []}


@dataclass(frozen=True)
class First:
    """``effect`` is the AWS operation that only a completely handled event leads to."""

    event: dict[str, Any]
    effect: str
    answer: dict[str, Any]
    """Fields and values that the function's result must contain."""


def _record(body: str) -> dict[str, Any]:
    return {
        "messageId": "1",
        "receiptHandle": "1",
        "body": body,
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:darkroom-local-analyze-dead",
        "attributes": {"SentTimestamp": "1795255200000", "ApproximateReceiveCount": "1"},
        "messageAttributes": {},
    }


def _event(event: Event) -> dict[str, Any]:
    return {"Records": [_record(Envelope.first(event, "darkroom/bench", samples.AT).to_json())]}


LIST_REQUEST = {
    "httpMethod": "GET",
    "path": "/results",
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "headers": {},
    "multiValueHeaders": {},
    "body": None,
    "isBase64Encoded": False,
    "requestContext": {"requestId": "1", "stage": "bench", "path": "/bench/results"},
}

FIRST = {
    "resize": First(
        {"Records": [_record(json.dumps({"Records": [NOTIFICATION]}))]}, "Publish", DONE
    ),
    "analyze": First(_event(samples.RESIZED), "Publish", DONE),
    "store": First(_event(samples.RESIZED), "PutItem", DONE),
    "notify": First(_event(samples.COMPLETED), "Publish", DONE),
    "forward": First(_event(samples.COMPLETED), "PutEvents", DONE),
    "rescue": First(_event(samples.RESIZED), "Publish", DONE),
    "api": First(LIST_REQUEST, "Query", {"statusCode": 200}),
    "reap": First({}, "ListObjectVersions", {}),
}
