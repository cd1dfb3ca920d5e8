"""What a function asks of AWS, read off the wire: which service, which operation, about what."""

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
"""The signature's scope. It names the service, whichever protocol that speaks."""
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
    """One request. What it is not about is empty.

    ``tells`` and ``settles`` are a notification's id; ``pays`` is ``<image>/<run>/<detection>`` of
    the answer that is bought, ``keeps`` the same of every answer that is written; ``shows`` is the
    sha256 of a picture whose answer is bought, where the call says nothing else of it; ``puts`` is
    an object's key, and ``digest`` its sha256; ``announces`` is the envelope that goes to the
    events topic; ``returns`` is the number of messages to take back.
    """

    service: str
    operation: str
    tells: str = ""
    settles: str = ""
    pays: str = ""
    keeps: tuple[str, ...] = ()
    shows: str = ""
    puts: str = ""
    digest: str = ""
    announces: str = ""
    returns: int = 0

    @property
    def name(self) -> str:
        return f"{self.service} {self.operation}"


def read_call(method: str, path: str, signature: str, target: str, body: bytes) -> Call:
    """The call that this request is; one without a signature is of the service ``unsigned``.

    ``signature`` is the header Authorization, ``target`` the header X-Amz-Target of JSON protocols.
    """
    signed = CREDENTIAL.search(signature)
    service = signed["service"] if signed else "unsigned"
    operation = target.rpartition(".")[2]
    match service:
        case "s3":
            return _of_s3(method, path, body)
        case "sns":
            return _of_sns(dict(parse_qsl(body.decode())))
        case "dynamodb":
            return _of_dynamodb(operation, json.loads(body))
        case "rekognition" | "bedrock":
            return _paid(service, operation, json.loads(body))
        case "sqs" if operation == "ChangeMessageVisibilityBatch":
            return Call(service, operation, returns=len(json.loads(body)["Entries"]))
    return Call(service, operation)


def _of_s3(method: str, path: str, body: bytes) -> Call:
    place = urlsplit(path)
    bucket, _, key = unquote(place.path).lstrip("/").partition("/")
    if method == "GET" and bucket and not key:
        return Call("s3", "ListObjectsV2")
    if method != "PUT":
        return Call("s3", S3_OPERATIONS[method])
    analysis = ANALYSIS.search(key)
    keeps = _kept(analysis["run"], body) if analysis else ()
    return Call("s3", "PutObject", puts=key, digest=_digest(body), keeps=keeps)


def _kept(run: str, document: bytes) -> tuple[str, ...]:
    return tuple(f"{run}/{detection}" for detection in json.loads(document)["answers"])


def _of_sns(said: Mapping[str, str]) -> Call:
    if said.get("Action") != "Publish":
        return Call("sns", said.get("Action", ""))
    message = json.loads(said["Message"])
    if said.get("MessageStructure") == "json":
        return Call("sns", "Publish notification", tells=json.loads(message["default"])["id"])
    return Call("sns", "Publish event", announces=said["Message"])


def _of_dynamodb(operation: str, said: Mapping[str, Any]) -> Call:
    claim = said.get("Key", {}).get("claim", {}).get("S", "")
    if operation != "UpdateItem" or not claim:
        return Call("dynamodb", operation)
    if "SET completed_at" not in said["UpdateExpression"]:
        return Call("dynamodb", "UpdateItem claim")
    service, _, identity = claim.split("/")
    return Call("dynamodb", "UpdateItem settle", settles=identity if service == "notify" else "")


def _paid(service: str, operation: str, said: Mapping[str, Any]) -> Call:
    if service == "bedrock":
        return Call(service, "InvokeModel", shows=_digest(b64decode(said["inputImage"])))
    pays = paid_for(said["Image"]["S3Object"]["Name"], DETECTIONS[operation])
    return Call(service, operation, pays=pays)


def paid_for(picture: str, detection: Detection) -> str:
    """What is bought with this detection of the picture under this key; empty if none of ours."""
    made = RENDITION.match(picture)
    return f"{made['run']}/{detection}" if made else ""


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()
