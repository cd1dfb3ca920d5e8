"""The IAM actions and ARNs that a request needs, and those that a role allows.

A proxy records the HTTP requests, so they are seen as AWS sees them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from tests.lab.chaos.calls import CREDENTIAL, Call
from tests.lab.chaos.proxy import Answer, Handler, Proxy

ACCOUNT, REGION = "000000000000", "us-east-1"
NOT_FOUND = 404
FORM_KEY = re.compile(rb'name="key"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)')
WRITES = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


@dataclass(frozen=True)
class Need:
    """One action on one ARN. ``prefix`` is that of a request which lists a bucket."""

    action: str
    arn: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.action} on {self.arn}" + (f" ({self.prefix})" if self.prefix else "")


@dataclass(frozen=True)
class Grant:
    """One action on one ARN pattern. With ``prefixes``, only for listing these."""

    action: str
    arn: str
    prefixes: tuple[str, ...] = ()

    def covers(self, need: Need) -> bool:
        return (
            fnmatchcase(need.action, self.action)
            and fnmatchcase(need.arn, self.arn)
            and (
                not self.prefixes
                or any(fnmatchcase(need.prefix, prefix) for prefix in self.prefixes)
            )
        )

    def __str__(self) -> str:
        return f"{self.action} on {self.arn}" + (f" ({self.prefixes})" if self.prefixes else "")


def grants(document: Mapping[str, Any]) -> Iterator[Grant]:
    """Every action of a policy on each of its resources."""
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        prefixes = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", ())
        for action in _as_list(statement["Action"]):
            for arn in _as_list(statement["Resource"]):
                yield Grant(action, arn, tuple(_as_list(prefixes)))


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def service(self) -> str:
        """The service in the signature; presigned requests and forms are S3's."""
        signed = CREDENTIAL.search(self.headers.get("authorization", ""))
        return signed["service"] if signed else "s3"

    def needs(self) -> Iterator[Need]:
        match self.service:
            case "s3":
                yield from self._s3_needs()
            case "dynamodb":
                yield from self._dynamodb_needs(json.loads(self.body))
            case "sqs":
                yield from self._sqs_needs(json.loads(self.body))
            case "sns":
                parameters = dict(parse_qsl(self.body.decode()))
                yield Need(f"sns:{parameters['Action']}", parameters["TopicArn"])
            case "rekognition":
                yield from self._rekognition_needs(json.loads(self.body))
            case "bedrock":
                model = unquote(urlsplit(self.path).path).split("/")[2]
                arn = f"arn:aws:bedrock:{REGION}::foundation-model/{model}"
                yield Need("bedrock:InvokeModel", arn)
            case "events":
                for entry in json.loads(self.body)["Entries"]:
                    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{entry['EventBusName']}"
                    yield Need(f"events:{self._operation}", bus)
            case other:
                raise AssertionError(f"the rights of {other} are not known")

    @property
    def _operation(self) -> str:
        return self.headers["x-amz-target"].rpartition(".")[2]

    def _s3_needs(self) -> Iterator[Need]:
        url = urlsplit(self.path)
        query = parse_qs(url.query, keep_blank_values=True)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        bucket_arn, object_arn = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{key}"
        version = "Version" if "versionId" in query else ""
        match self.method:
            case "GET" if not key:
                action = "s3:ListBucketVersions" if "versions" in query else "s3:ListBucket"
                yield Need(action, bucket_arn, query.get("prefix", [""])[0])
            case "GET" | "HEAD":
                yield Need(f"s3:GetObject{version}", object_arn)
                if self.status == NOT_FOUND:  # without ListBucket, AWS answers 403
                    yield Need("s3:ListBucket", bucket_arn, key)
            case "PUT":
                yield Need("s3:PutObject", object_arn)
                if source := self.headers.get("x-amz-copy-source"):
                    yield Need("s3:GetObject", f"arn:aws:s3:::{unquote(source).lstrip('/')}")
            case "DELETE":
                yield Need(f"s3:DeleteObject{version}", object_arn)
            case "POST" if form := FORM_KEY.search(self.body):
                yield Need("s3:PutObject", f"{bucket_arn}/{form[1].decode()}")
            case other:
                raise AssertionError(f"the rights of {other} {self.path} are not known")

    def _dynamodb_needs(self, parameters: Mapping[str, Any]) -> Iterator[Need]:
        match self._operation:
            case "TransactWriteItems":
                for write in parameters["TransactItems"]:
                    ((kind, operation),) = write.items()
                    yield Need(f"dynamodb:{WRITES[kind]}", _table(operation["TableName"]))
            case "BatchGetItem":
                for name in parameters["RequestItems"]:
                    yield Need("dynamodb:BatchGetItem", _table(name))
            case operation:
                index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
                yield Need(f"dynamodb:{operation}", _table(parameters["TableName"]) + index)

    def _sqs_needs(self, parameters: Mapping[str, Any]) -> Iterator[Need]:
        name = parameters["QueueUrl"].rpartition("/")[2]
        action = self._operation.removesuffix("Batch")  # IAM has no actions for batches
        yield Need(f"sqs:{action}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")

    def _rekognition_needs(self, parameters: Mapping[str, Any]) -> Iterator[Need]:
        """Rekognition reads the picture with the caller's rights."""
        yield Need(f"rekognition:{self._operation}", "*")
        picture = parameters["Image"]["S3Object"]
        yield Need("s3:GetObject", f"arn:aws:s3:::{picture['Bucket']}/{picture['Name']}")


def _table(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


@dataclass
class Recording:
    requests: list[Request] = field(default_factory=list)

    def needs(self) -> set[Need]:
        return {need for request in self.requests for need in request.needs()}


class RecordingProxy(Proxy):
    """Forwards every request unchanged, and records it with its status."""

    def __init__(self, emulator: int, services: Mapping[str, int]) -> None:
        super().__init__(0, emulator, services)
        self.RequestHandlerClass = RecordingHandler
        self.recording = Recording()


class RecordingHandler(Handler):
    server: RecordingProxy

    def _forward(self, call: Call, body: bytes) -> Answer:
        answer = super()._forward(call, body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body, answer.status)
        self.server.recording.requests.append(request)
        return answer
