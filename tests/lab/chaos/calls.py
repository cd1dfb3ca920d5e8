"""Parse a function's HTTP request to AWS: its service, its operation and what it concerns."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from services.analyze.logic import Detection

CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/[^/]+/(?P<service>[^/]+)/aws4_request")
"""The signature's scope. It names the service in every AWS protocol."""
ANALYSIS = re.compile(r"analyses/(?P<run>[0-9a-f-]{36}/\d+)/analysis\.json$")
RENDITION = re.compile(r"renditions/(?P<run>[0-9a-f-]{36}/\d+)/")
DETECTIONS = {
    "DetectLabels": Detection.LABELS,
    "DetectFaces": Detection.FACES,
    "DetectText": Detection.TEXT,
    "DetectModerationLabels": Detection.MODERATION,
}
S3_OPERATIONS = {
    "GET": "GetObject",
    "HEAD": "HeadObject",
    "PUT": "PutObject",
    "DELETE": "DeleteObject",
    "POST": "PostObject",
}


@dataclass(frozen=True)
class Call:
    """One request to AWS. A field that does not apply is empty.

    A paid call is named ``<image>/<run>/<detection>``. Bedrock's requests hold only the picture, so
    ``picture_digest`` identifies it instead.
    """

    service: str
    operation: str
    notification: str = ""
    """The id of the notification that this call publishes."""
    completed_notification: str = ""
    """The id of the notification whose claim this call completes."""
    paid_call: str = ""
    stored_answers: tuple[str, ...] = ()
    """The paid calls whose answers this call stores."""
    picture_digest: str = ""
    """sha256 of the picture that a Bedrock request holds."""
    key: str = ""
    """The key of the S3 object that this call writes."""
    digest: str = ""
    """sha256 of that object."""
    event: str = ""
    """The envelope that this call publishes to the events topic, as JSON."""
    returned_messages: int = 0
    """Messages that this call returns to their queue."""

    @property
    def name(self) -> str:
        return f"{self.service} {self.operation}"


def read_call(method: str, path: str, signature: str, target: str, body: bytes) -> Call:
    """Parse a request. The service of an unsigned request is ``unsigned``.

    ``signature`` is the header Authorization, ``target`` the header X-Amz-Target of JSON protocols.
    """
    signed = CREDENTIAL.search(signature)
    service = signed["service"] if signed else "unsigned"
    operation = target.rpartition(".")[2]
    match service:
        case "s3":
            return _s3_call(method, path, body)
        case "sns":
            return _sns_call(dict(parse_qsl(body.decode())))
        case "dynamodb":
            return _dynamodb_call(operation, json.loads(body))
        case "rekognition" | "bedrock":
            return _paid_call(service, operation, json.loads(body))
        case "sqs" if operation == "ChangeMessageVisibilityBatch":
            return Call(service, operation, returned_messages=len(json.loads(body)["Entries"]))
    return Call(service, operation)


def _s3_call(method: str, path: str, body: bytes) -> Call:
    bucket, _, key = unquote(urlsplit(path).path).lstrip("/").partition("/")
    if method == "GET" and bucket and not key:
        return Call("s3", "ListObjectsV2")
    if method != "PUT":
        return Call("s3", S3_OPERATIONS[method])
    analysis = ANALYSIS.search(key)
    stored = _stored_answers(analysis["run"], body) if analysis else ()
    return Call("s3", "PutObject", key=key, digest=_digest(body), stored_answers=stored)


def _stored_answers(run: str, document: bytes) -> tuple[str, ...]:
    return tuple(f"{run}/{detection}" for detection in json.loads(document)["answers"])


def _sns_call(parameters: Mapping[str, str]) -> Call:
    if parameters.get("Action") != "Publish":
        return Call("sns", parameters.get("Action", ""))
    message = json.loads(parameters["Message"])
    if parameters.get("MessageStructure") == "json":
        notification = json.loads(message["default"])["id"]
        return Call("sns", "Publish notification", notification=notification)
    return Call("sns", "Publish event", event=parameters["Message"])


def _dynamodb_call(operation: str, parameters: Mapping[str, Any]) -> Call:
    claim = parameters.get("Key", {}).get("claim", {}).get("S", "")
    if operation != "UpdateItem" or not claim:
        return Call("dynamodb", operation)
    if "SET completed_at" not in parameters["UpdateExpression"]:
        return Call("dynamodb", "UpdateItem claim")
    service, _, event_id = claim.split("/")
    notification = event_id if service == "notify" else ""
    return Call("dynamodb", "UpdateItem complete", completed_notification=notification)


def _paid_call(service: str, operation: str, parameters: Mapping[str, Any]) -> Call:
    if service == "bedrock":
        digest = _digest(b64decode(parameters["inputImage"]))
        return Call(service, "InvokeModel", picture_digest=digest)
    name = paid_call_name(parameters["Image"]["S3Object"]["Name"], DETECTIONS[operation])
    return Call(service, operation, paid_call=name)


def paid_call_name(key: str, detection: Detection) -> str:
    """The name of this detection of the rendition at ``key``; empty for any other key."""
    rendition = RENDITION.match(key)
    return f"{rendition['run']}/{detection}" if rendition else ""


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()
