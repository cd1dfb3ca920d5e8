"""Malformed messages, and originals that are missing, on MiniStack with ``AUTH=true``.

None of them affects another message: a valid photo after them has one notification.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from shared.message import LONGEST_KEY
from tests.contract.samples import CAT, REPORT, SECOND, TEXT
from tests.e2e.stack import DEADLINE, Listener, Stack
from tests.fakes import s3_notification

ROOT = Path(__file__).parents[2]
MESSAGE = 256 * 1024
"""The largest message of SNS, bytes."""
LONGEST = "poison/" + "ü+ %&=é猫🐈?" * 59 + "0123456789.jpg"
"""The longest key that S3 allows; URL-encoded in its notification it is three times as long."""


def unknown(kind: str, size: int = 0) -> str:
    """An event of an unknown type, padded to ``size`` bytes."""
    event = json.loads(SECOND.to_json()) | {"type": kind}
    room = size - len(json.dumps(event | {"later": ""}).encode())
    return json.dumps(event | {"later": "x" * max(0, room)})


POISON = {
    "this is not JSON": "unreadable",
    '{"hello": "world"}': "unreadable",
    "x" * MESSAGE: "unreadable",
    unknown("image.enlarged.v1"): "unknown-type",
    unknown("image.resized.v9"): "unknown-type",
    unknown("image.resized.v9", MESSAGE): "unknown-type",
}
"""Message bodies, and the reason of their dead letters."""


@pytest.fixture
def letters(ministack: Stack) -> Iterator["Letters"]:
    letters = Letters(ministack)
    yield letters
    letters.clear()


class Letters:
    """The dead letters that ``rescue`` stored since the test began."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.before = set(stack.objects("dead-letters/"))

    def keys(self) -> list[str]:
        return sorted(set(self.stack.objects("dead-letters/")) - self.before)

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(self.stack.object(key)["Body"].read()) for key in self.keys()]

    def clear(self) -> None:
        bucket = self.stack.outputs.buckets["processed"]
        for key in self.keys():
            self.stack.client("s3").delete_object(Bucket=bucket, Key=key)


def send(stack: Stack, service: str, *bodies: str) -> None:
    """Send these to the service's queue in one batch."""
    entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
    queue = stack.outputs.queues[service]
    stack.client("sqs").send_message_batch(QueueUrl=queue, Entries=entries)


def dead_letters_command(stack: Stack) -> str:
    endpoint = ("--endpoint-url", stack.outputs.endpoint)
    done = subprocess.run(
        [sys.executable, "-m", "infra", "dead-letters", *endpoint],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return done.stdout


def counted(stack: Stack) -> Counter[tuple[str, str]]:
    """Dead letters by service and reason, from the metrics in the log of ``rescue``."""
    group = f"/aws/lambda/{stack.outputs.functions['rescue']}"
    pages = stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    lines = [event["message"] for page in pages for event in page["events"]]
    metrics = [json.loads(line) for line in lines if '"_aws"' in line]
    return Counter(
        (metric["service"], metric["reason"]) for metric in metrics if "DeadLetters" in metric
    )


def test_malformed_messages_are_stored_raw_and_counted_and_harm_no_other_message(
    ministack: Stack, letters: Letters, cat: Path
) -> None:
    services, before = sorted(ministack.outputs.queues), counted(ministack)
    with ministack.listening() as listener:
        for service in services:
            send(ministack, service, *POISON)
        ministack.upload("poison/good.jpg", cat.read_bytes())
        assert listener.notification("poison/good.jpg")["status"] == "completed"
    stored = letters.all()
    assert sorted((letter["service"], letter["body"]) for letter in stored) == sorted(
        (service, body) for service in services for body in POISON
    )
    assert all(letter["reason"] == POISON[letter["body"]] for letter in stored)
    assert all(letter["detail"] for letter in stored)
    expected = Counter((service, reason) for service in services for reason in POISON.values())
    assert counted(ministack) - before == expected


def test_dead_letters_are_listed_with_their_image_and_error(
    ministack: Stack, letters: Letters
) -> None:
    without_id = SECOND.to_json().replace(SECOND.id, "no id")
    send(ministack, "store", unknown("image.resized.v9"), without_id)
    ministack.wait_until_idle()
    assert len(letters.keys()) == 2
    output = dead_letters_command(ministack)
    assert f"store  image.resized.v9 of {CAT}: " in output
    assert f"store  image.resized.v1 of {CAT}: image.resized.v1: the id is not a UUID" in output


def test_an_event_with_unknown_fields_is_handled(ministack: Stack, letters: Letters) -> None:
    image = str(uuid4())  # a new image: an ended one would have no second notification
    event = json.loads(REPORT.to_json().replace(TEXT, image))
    with ministack.listening() as listener:
        send(ministack, "store", json.dumps(event | {"later": "ü" * 40_000}))
        notification = listener.notification(REPORT.data.source.key)
    assert (notification["image"], notification["failure"]["reason"]) == (image, "not-an-image")
    assert letters.keys() == []


def test_a_photo_with_the_longest_key_completes(ministack: Stack, cat: Path) -> None:
    assert len(LONGEST.encode()) == LONGEST_KEY
    with ministack.listening() as listener:
        ministack.upload(LONGEST, cat.read_bytes())
        assert listener.notification(LONGEST)["status"] == "completed"


# ---- missing originals -------------------------------------------------------------------------


@contextmanager
def paused(stack: Stack, service: str) -> Iterator[None]:
    """Deliver no message to the service while the block runs."""
    functions, name = stack.client("lambda"), stack.outputs.functions[service]
    (source,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=source["UUID"], Enabled=True)


def put(stack: Stack, key: str, body: bytes) -> str:
    """Upload an original; return its version."""
    bucket = stack.outputs.buckets["uploads"]
    answer = stack.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return str(answer["VersionId"])


def failure(stack: Stack, listener: Listener, key: str) -> tuple[str, str, str]:
    """The stage, reason and fault of a failure; asserts that no object remains."""
    notification = listener.notification(key)
    assert stack.objects(notification["image"]) == []
    assert notification["status"] == "failed"
    details = notification["failure"]
    return details["stage"], details["reason"], details["fault"]


def test_an_original_whose_version_is_deleted_fails_as_gone(
    ministack: Stack, letters: Letters, cat: Path
) -> None:
    bucket = ministack.outputs.buckets["uploads"]
    with ministack.listening() as listener:
        with paused(ministack, "resize"):
            version = put(ministack, "poison/gone.jpg", cat.read_bytes())
            ministack.client("s3").delete_object(
                Bucket=bucket, Key="poison/gone.jpg", VersionId=version
            )
        reported = failure(ministack, listener, "poison/gone.jpg")
    assert reported == ("resize", "gone", "client")
    assert letters.keys() == []


def test_each_version_of_an_original_is_read_as_it_was_uploaded(
    ministack: Stack, cat: Path
) -> None:
    key, newer = "poison/newer.jpg", cat.read_bytes() + b"newer"
    with ministack.listening() as listener:
        with paused(ministack, "resize"):
            versions = [put(ministack, key, body) for body in (cat.read_bytes(), newer)]
        notifications = receive(listener, 2)
    sources = [notification["source"] for notification in notifications]
    assert {source["version"]: source["sha256"] for source in sources} == {
        version: sha256(body).hexdigest()
        for version, body in zip(versions, (cat.read_bytes(), newer), strict=True)
    }
    assert {notification["status"] for notification in notifications} == {"completed"}


def receive(listener: Listener, number: int) -> list[dict[str, Any]]:
    """Exactly so many notifications, of any original."""
    received: list[dict[str, Any]] = []
    end = time.monotonic() + DEADLINE
    while len(received) < number:
        assert time.monotonic() < end, received
        received += listener.receive(2)
    listener.stack.wait_until_idle()
    received += listener.receive(1)
    assert len(received) == number
    return received


def test_a_replaced_original_in_an_unversioned_bucket_fails_as_replaced(
    ministack: Stack, cat: Path
) -> None:
    key = f"poison/{uuid4()}/replaced.jpg"
    with ministack.listening() as listener:
        put(ministack, key, cat.read_bytes())
        listener.notifications(key)
    bucket = ministack.outputs.buckets["uploads"]
    with ministack.listening() as listener:
        send(ministack, "resize", s3_notification((bucket, key, b"as it was"), version=None))
        reported = failure(ministack, listener, key)
    assert reported == ("resize", "replaced", "client")


def test_an_original_without_read_permission_is_an_internal_fault(
    ministack: Stack, letters: Letters, cat: Path
) -> None:
    key = "poison/forbidden.jpg"
    with ministack.listening() as listener, denied(ministack, "resize", key):
        put(ministack, key, cat.read_bytes())
        reported = failure(ministack, listener, key)
    assert reported == ("resize", "forbidden", "internal")
    assert letters.keys() == []


@contextmanager
def denied(stack: Stack, service: str, key: str) -> Iterator[None]:
    """Deny the service this key of the uploads bucket, though its role allows it."""
    s3, bucket = stack.client("s3"), stack.outputs.buckets["uploads"]
    name = stack.outputs.functions[service]
    role = stack.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": role},
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": f"arn:aws:s3:::{bucket}/{key}",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    try:
        yield
    finally:
        s3.delete_bucket_policy(Bucket=bucket)
