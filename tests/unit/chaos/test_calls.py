"""Requests in botocore's format are parsed into calls. test_proxy.py has further cases."""

import json
from base64 import b64encode
from hashlib import sha256
from urllib.parse import urlencode

from tests.lab.chaos.calls import Call, read_call

IMAGE = "3f0c7a52-6f0e-5d3b-9c41-0a8f2b6d7e11"


def signed(service: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/{service}/aws4_request, …"


def test_a_written_object_is_named_by_its_key() -> None:
    key = f"renditions/{IMAGE}/0/web.jpeg"
    call = read_call("PUT", f"/bucket/{key}", signed("s3"), "", b"...")
    assert call == Call("s3", "PutObject", key=key, digest=sha256(b"...").hexdigest())


def test_a_written_analysis_stores_every_answer_in_it() -> None:
    body = json.dumps({"answers": {"labels": {}, "faces": {}}}).encode()
    key = f"analyses/{IMAGE}/0/analysis.json"
    call = read_call("PUT", f"/bucket/{key}", signed("s3"), "", body)
    assert call.stored_answers == (f"{IMAGE}/0/labels", f"{IMAGE}/0/faces")


def test_each_detection_is_a_separate_paid_call() -> None:
    picture = {"S3Object": {"Bucket": "b", "Name": f"renditions/{IMAGE}/0/analysis.jpeg"}}
    body = json.dumps({"Image": picture}).encode()
    target = "RekognitionService.DetectModerationLabels"
    call = read_call("POST", "/", signed("rekognition"), target, body)
    assert call.paid_call == f"{IMAGE}/0/moderation"


def test_an_embedding_request_is_identified_by_its_picture() -> None:
    body = json.dumps({"inputImage": b64encode(b"a picture").decode()}).encode()
    path = "/model/amazon.titan-embed-image-v1/invoke"
    call = read_call("POST", path, signed("bedrock"), "", body)
    assert call == Call("bedrock", "InvokeModel", picture_digest=sha256(b"a picture").hexdigest())


def test_listing_a_bucket_is_distinguished_from_reading_an_object() -> None:
    listing = read_call("GET", "/bucket?list-type=2&prefix=a%2F", signed("s3"), "", b"")
    reading = read_call("GET", "/bucket/a/b.jpg", signed("s3"), "", b"")
    assert (listing.name, reading.name) == ("s3 ListObjectsV2", "s3 GetObject")


def test_an_event_is_distinguished_from_a_notification() -> None:
    event = json.dumps({"id": "e1", "type": "image.completed.v1"})
    body = urlencode({"Action": "Publish", "Message": event}).encode()
    call = read_call("POST", "/", signed("sns"), "", body)
    assert call == Call("sns", "Publish event", event=event)


def test_messages_returned_in_one_batch_are_counted() -> None:
    body = json.dumps({"QueueUrl": "q", "Entries": [{"Id": "0"}, {"Id": "1"}]}).encode()
    call = read_call("POST", "/", signed("sqs"), "AmazonSQS.ChangeMessageVisibilityBatch", body)
    assert call.returned_messages == 2


def test_claiming_is_distinguished_from_completing_a_claim() -> None:
    parameters = {
        "Key": {"claim": {"S": "notify/image.completed.v1/n1"}},
        "UpdateExpression": "SET #owner = :owner",
    }
    target = "DynamoDB_20120810.UpdateItem"
    call = read_call("POST", "/", signed("dynamodb"), target, json.dumps(parameters).encode())
    assert call == Call("dynamodb", "UpdateItem claim")


def test_only_claims_of_notify_complete_a_notification() -> None:
    parameters = {
        "Key": {"claim": {"S": "resize/image.uploaded.v1/e1"}},
        "UpdateExpression": "SET completed_at = :now",
    }
    target = "DynamoDB_20120810.UpdateItem"
    call = read_call("POST", "/", signed("dynamodb"), target, json.dumps(parameters).encode())
    assert call == Call("dynamodb", "UpdateItem complete")
