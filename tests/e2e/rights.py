"""Which of IAM's actions a request takes, on which ARN, and what a role allows.

A request is read off the wire, so what botocore makes of a call is seen as AWS sees it.
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
    """One action on one ARN; ``prefix`` is what a listing asks for."""

    action: str
    arn: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.action} on {self.arn}" + (f" ({self.prefix})" if self.prefix else "")


@dataclass(frozen=True)
class Grant:
    """One action on one pattern of ARNs, for listings of these prefixes only."""

    action: str
    arn: str
    prefixes: tuple[str, ...] = ()

    def covers(self, need: Need) -> bool:
        return (
            fnmatchcase(need.action, self.action)
            and fnmatchcase(need.arn, self.arn)
            and (not self.prefixes or any(fnmatchcase(need.prefix, one) for one in self.prefixes))
        )

    def __str__(self) -> str:
        return f"{self.action} on {self.arn}" + (f" ({self.prefixes})" if self.prefixes else "")


def grants(document: Mapping[str, Any]) -> Iterator[Grant]:
    """Every action of a policy on every resource."""
    for said in document["Statement"]:
        assert said["Effect"] == "Allow"
        prefixes = said.get("Condition", {}).get("StringLike", {}).get("s3:prefix", ())
        for action in _several(said["Action"]):
            for arn in _several(said["Resource"]):
                yield Grant(action, arn, tuple(_several(prefixes)))


def _several(said: Any) -> list[str]:
    return [said] if isinstance(said, str) else list(said)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def service(self) -> str:
        """By its signature; one that is presigned, or a form, is S3's."""
        signed = CREDENTIAL.search(self.headers.get("authorization", ""))
        return signed["service"] if signed else "s3"

    def needs(self) -> Iterator[Need]:
        match self.service:
            case "s3":
                yield from self._of_s3()
            case "dynamodb":
                yield from self._of_dynamodb(json.loads(self.body))
            case "sqs":
                yield from self._of_sqs(json.loads(self.body))
            case "sns":
                said = dict(parse_qsl(self.body.decode()))
                yield Need(f"sns:{said['Action']}", said["TopicArn"])
            case "rekognition":
                yield from self._of_rekognition(json.loads(self.body))
            case "bedrock":
                model = unquote(urlsplit(self.path).path).split("/")[2]
                arn = f"arn:aws:bedrock:{REGION}::foundation-model/{model}"
                yield Need("bedrock:InvokeModel", arn)
            case "events":
                for entry in json.loads(self.body)["Entries"]:
                    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{entry['EventBusName']}"
                    yield Need(f"events:{self._operation}", bus)
            case other:
                raise AssertionError(f"nobody knows which rights {other} wants")

    @property
    def _operation(self) -> str:
        return self.headers["x-amz-target"].rpartition(".")[2]

    def _of_s3(self) -> Iterator[Need]:
        place = urlsplit(self.path)
        query = parse_qs(place.query, keep_blank_values=True)
        bucket, _, key = unquote(place.path).lstrip("/").partition("/")
        itself, thing = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{key}"
        version = "Version" if "versionId" in query else ""
        match self.method:
            case "GET" if not key:
                what = "s3:ListBucketVersions" if "versions" in query else "s3:ListBucket"
                yield Need(what, itself, query.get("prefix", [""])[0])
            case "GET" | "HEAD":
                yield Need(f"s3:GetObject{version}", thing)
                if self.status == NOT_FOUND:  # AWS says 403 to who may not list
                    yield Need("s3:ListBucket", itself, key)
            case "PUT":
                yield Need("s3:PutObject", thing)
                if source := self.headers.get("x-amz-copy-source"):
                    yield Need("s3:GetObject", f"arn:aws:s3:::{unquote(source).lstrip('/')}")
            case "DELETE":
                yield Need(f"s3:DeleteObject{version}", thing)
            case "POST" if form := FORM_KEY.search(self.body):
                yield Need("s3:PutObject", f"{itself}/{form[1].decode()}")
            case other:
                raise AssertionError(f"nobody knows which rights {other} {self.path} wants")

    def _of_dynamodb(self, said: Mapping[str, Any]) -> Iterator[Need]:
        match self._operation:
            case "TransactWriteItems":
                for write in said["TransactItems"]:
                    ((kind, one),) = write.items()
                    yield Need(f"dynamodb:{WRITES[kind]}", _table(one["TableName"]))
            case "BatchGetItem":
                for name in said["RequestItems"]:
                    yield Need("dynamodb:BatchGetItem", _table(name))
            case operation:
                index = f"/index/{said['IndexName']}" if "IndexName" in said else ""
                yield Need(f"dynamodb:{operation}", _table(said["TableName"]) + index)

    def _of_sqs(self, said: Mapping[str, Any]) -> Iterator[Need]:
        name = said["QueueUrl"].rpartition("/")[2]
        action = self._operation.removesuffix("Batch")  # IAM knows no batches of its own
        yield Need(f"sqs:{action}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")

    def _of_rekognition(self, said: Mapping[str, Any]) -> Iterator[Need]:
        """It reads the picture with the rights of who asks."""
        yield Need(f"rekognition:{self._operation}", "*")
        picture = said["Image"]["S3Object"]
        yield Need("s3:GetObject", f"arn:aws:s3:::{picture['Bucket']}/{picture['Name']}")


def _table(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


@dataclass
class Tape:
    requests: list[Request] = field(default_factory=list)

    def needs(self) -> set[Need]:
        return {need for request in self.requests for need in request.needs()}


class Recorder(Proxy):
    """Hands every request on as it came, and writes down what it was and how it was answered."""

    def __init__(self, emulator: int, services: Mapping[str, int]) -> None:
        super().__init__(0, emulator, services)
        self.RequestHandlerClass = Recording
        self.tape = Tape()


class Recording(Handler):
    server: Recorder

    def _forward(self, call: Call, body: bytes) -> Answer:
        answer = super()._forward(call, body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body, answer.status)
        self.server.tape.requests.append(request)
        return answer
