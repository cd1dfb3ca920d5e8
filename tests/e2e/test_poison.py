"""What nobody can handle, and originals that are gone: on MiniStack, with ``AUTH=true``.

Nothing of it costs anything else: a good photo behind it comes out as one notification.
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
"""Bytes that SNS delivers in one message."""
LONGEST = "poison/" + "ü+ %&=é猫🐈?" * 59 + "0123456789.jpg"
"""A key as long as S3 allows; in its notification it takes three times as much."""


def unknown(kind: str, size: int = 0) -> str:
    """An event of a type that no class stands for, filled up to so many bytes."""
    said = json.loads(SECOND.to_json()) | {"type": kind}
    room = size - len(json.dumps(said | {"later": ""}).encode())
    return json.dumps(said | {"later": "x" * max(0, room)})


POISON = {
    "this is not JSON": "unreadable",
    '{"hello": "world"}': "unreadable",
    "x" * MESSAGE: "unreadable",
    unknown("image.enlarged.v1"): "unknown-type",
    unknown("image.resized.v9"): "unknown-type",
    unknown("image.resized.v9", MESSAGE): "unknown-type",
}
"""Bodies, and why nobody can handle them."""


@pytest.fixture
def letters(ministack: Stack) -> Iterator["Letters"]:
    kept = Letters(ministack)
    yield kept
    kept.clear()


class Letters:
    """What rescue kept since the test began."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.before = set(stack.made("dead-letters/"))

    def keys(self) -> list[str]:
        return sorted(set(self.stack.made("dead-letters/")) - self.before)

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(self.stack.object(key)["Body"].read()) for key in self.keys()]

    def clear(self) -> None:
        bucket = self.stack.outputs.buckets["processed"]
        for key in self.keys():
            self.stack.client("s3").delete_object(Bucket=bucket, Key=key)


def send(stack: Stack, service: str, *bodies: str) -> None:
    """Put these on the service's queue, all at once."""
    entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
    queue = stack.outputs.queues[service]
    stack.client("sqs").send_message_batch(QueueUrl=queue, Entries=entries)


def listed(stack: Stack) -> str:
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
    """Dead letters by service and reason, as rescue counts them: a metric is a line of its log."""
    group = f"/aws/lambda/{stack.outputs.functions['rescue']}"
    pages = stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    lines = [event["message"] for page in pages for event in page["events"]]
    metrics = [json.loads(line) for line in lines if '"_aws"' in line]
    return Counter((one["service"], one["reason"]) for one in metrics if "DeadLetters" in one)


def test_poison_on_every_queue_is_kept_raw_and_counted_and_nothing_else_suffers(
    ministack: Stack, letters: Letters, cat: Path
) -> None:
    services, before = sorted(ministack.outputs.queues), counted(ministack)
    with ministack.listening() as listener:
        for service in services:
            send(ministack, service, *POISON)
        ministack.upload("poison/good.jpg", cat.read_bytes())
        assert listener.hear("poison/good.jpg")["poison/good.jpg"]["status"] == "completed"
    kept = sorted((one["service"], one["body"]) for one in letters.all())
    assert kept == sorted((service, body) for service in services for body in POISON)
    assert all(one["reason"] == POISON[one["body"]] and one["detail"] for one in letters.all())
    told = Counter((service, reason) for service in services for reason in POISON.values())
    assert counted(ministack) - before == told


def test_what_was_kept_is_listed_with_its_image_and_its_error(
    ministack: Stack, letters: Letters
) -> None:
    without_id = SECOND.to_json().replace(SECOND.id, "no id")
    send(ministack, "store", unknown("image.resized.v9"), without_id)
    ministack.wait_until_idle()
    assert len(letters.keys()) == 2
    said = listed(ministack)
    assert f"store  image.resized.v9 of {CAT}: " in said
    assert f"store  image.resized.v1 of {CAT}: image.resized.v1: the id is not a UUID" in said


def test_an_event_with_much_that_we_do_not_know_yet_is_answered_like_any_other(
    ministack: Stack, letters: Letters
) -> None:
    image = str(uuid4())  # of an image that has ended, nothing would be told again
    known = json.loads(REPORT.to_json().replace(TEXT, image))
    with ministack.listening() as listener:
        send(ministack, "store", json.dumps(known | {"later": "ü" * 40_000}))
        told = listener.hear(REPORT.data.source.key)[REPORT.data.source.key]
    assert (told["image"], told["failure"]["reason"]) == (image, "not-an-image")
    assert letters.keys() == []


def test_a_key_as_long_as_s3_allows_goes_all_the_way(ministack: Stack, cat: Path) -> None:
    assert len(LONGEST.encode()) == LONGEST_KEY
    with ministack.listening() as listener:
        ministack.upload(LONGEST, cat.read_bytes())
        assert listener.hear(LONGEST)[LONGEST]["status"] == "completed"


# ---- originals that are not there any more -----------------------------------------------------


@contextmanager
def resting(stack: Stack, service: str) -> Iterator[None]:
    """Nothing is delivered to the service until the end of this."""
    functions, name = stack.client("lambda"), stack.outputs.functions[service]
    (source,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=source["UUID"], Enabled=True)


def put(stack: Stack, key: str, body: bytes) -> str:
    """Upload this; its version."""
    bucket = stack.outputs.buckets["uploads"]
    answer = stack.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return str(answer["VersionId"])


def refused(stack: Stack, listener: Listener, key: str) -> tuple[str, str, str]:
    """Where it failed, why, and whose fault it is; and nothing is left of it."""
    told = listener.hear(key)[key]
    assert stack.made(told["image"]) == []
    assert told["status"] == "failed"
    return told["failure"]["stage"], told["failure"]["reason"], told["failure"]["fault"]


def test_an_original_whose_version_is_gone_is_told_as_gone(
    ministack: Stack, letters: Letters, cat: Path
) -> None:
    bucket = ministack.outputs.buckets["uploads"]
    with ministack.listening() as listener:
        with resting(ministack, "resize"):
            version = put(ministack, "poison/gone.jpg", cat.read_bytes())
            ministack.client("s3").delete_object(
                Bucket=bucket, Key="poison/gone.jpg", VersionId=version
            )
        told = refused(ministack, listener, "poison/gone.jpg")
    assert told == ("resize", "gone", "client")
    assert letters.keys() == []


def test_an_original_that_only_has_a_newer_version_is_read_as_it_was(
    ministack: Stack, cat: Path
) -> None:
    key, newer = "poison/newer.jpg", cat.read_bytes() + b"newer"
    with ministack.listening() as listener:
        with resting(ministack, "resize"):
            versions = [put(ministack, key, body) for body in (cat.read_bytes(), newer)]
        told = all_of(listener, 2)
    assert {one["source"]["version"]: one["source"]["sha256"] for one in told} == {
        version: sha256(body).hexdigest()
        for version, body in zip(versions, (cat.read_bytes(), newer), strict=True)
    }
    assert {one["status"] for one in told} == {"completed"}


def all_of(listener: Listener, number: int) -> list[dict[str, Any]]:
    """So many notifications, whatever they are about, and no more."""
    heard: list[dict[str, Any]] = []
    end = time.monotonic() + DEADLINE
    while len(heard) < number:
        assert time.monotonic() < end, heard
        heard += listener._receive(2)
    listener.stack.wait_until_idle()
    heard += listener._receive(1)
    assert len(heard) == number
    return heard


def test_without_versions_an_original_that_was_replaced_is_told_as_replaced(
    ministack: Stack, cat: Path
) -> None:
    key = f"poison/{uuid4()}/replaced.jpg"
    with ministack.listening() as listener:
        put(ministack, key, cat.read_bytes())
        listener.hear(key)
    bucket = ministack.outputs.buckets["uploads"]
    with ministack.listening() as listener:
        send(ministack, "resize", s3_notification((bucket, key, b"as it was"), version=None))
        told = refused(ministack, listener, key)
    assert told == ("resize", "replaced", "client")


def test_an_original_that_must_not_be_read_is_told_as_ours_to_mend(
    ministack: Stack, letters: Letters, cat: Path
) -> None:
    key = "poison/forbidden.jpg"
    with ministack.listening() as listener, denied(ministack, "resize", key):
        put(ministack, key, cat.read_bytes())
        told = refused(ministack, listener, key)
    assert told == ("resize", "forbidden", "internal")
    assert letters.keys() == []


@contextmanager
def denied(stack: Stack, service: str, key: str) -> Iterator[None]:
    """The service must not read this key of the uploads bucket, whatever its role allows."""
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
