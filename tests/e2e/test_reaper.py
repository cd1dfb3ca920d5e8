"""The reaper as the clock wakes it: the deployed function, with its own role, over real tables."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import DEADLINE, Stack

POSITION = "reap/position.json"
IMPATIENT = {"SILENCE_HOURS": "0"}
HASTY = {"WORST_CASE": "100000"}
"""s. More than any invocation has left: it stops after every page."""

Reap = Callable[..., dict[str, int]]


@pytest.fixture
def reap(ministack: Stack) -> Iterator[Reap]:
    """Invokes the function with these settings changed; as it was, afterwards."""
    client, name = ministack.client("lambda"), ministack.outputs.functions["reap"]
    before = client.get_function_configuration(FunctionName=name)["Environment"]

    def invoke(**changed: str) -> dict[str, int]:
        variables = {"Variables": before["Variables"] | changed}
        client.update_function_configuration(FunctionName=name, Environment=variables)
        answer = client.invoke(FunctionName=name, Payload=b"{}")
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    ministack.wait_until_idle()
    forget_position(ministack)
    yield invoke
    client.update_function_configuration(FunctionName=name, Environment=before)


def forget_position(stack: Stack) -> None:
    stack.client("s3").delete_object(Bucket=stack.outputs.buckets["processed"], Key=POSITION)


def position(stack: Stack) -> Any:
    return json.loads(stack.object(POSITION)["Body"].read())


@contextmanager
def deaf(stack: Stack) -> Iterator[None]:
    """S3 tells nobody of what is uploaded meanwhile."""
    s3, bucket = stack.client("s3"), stack.outputs.buckets["uploads"]
    wired = s3.get_bucket_notification_configuration(Bucket=bucket)
    del wired["ResponseMetadata"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        yield
    finally:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wired)


def test_the_function_finds_an_upload_whose_event_was_lost(
    ministack: Stack, reap: Reap, cat: Path
) -> None:
    with deaf(ministack):
        ministack.upload("reap/lost.jpg", cat.read_bytes())
    with ministack.listening() as listener:
        assert reap() == {}  # it is not a day old
        assert reap(**IMPATIENT) == {"lost": 1}
        told = listener.hear("reap/lost.jpg")["reap/lost.jpg"]
    assert (told["status"], told["failure"]["reason"]) == ("failed", "lost")
    assert reap(**IMPATIENT) == {}


def test_what_it_has_no_time_for_it_finds_when_it_is_woken_again(
    ministack: Stack, reap: Reap, cat: Path
) -> None:
    with deaf(ministack):
        ministack.upload("reap/later.jpg", cat.read_bytes())
    with ministack.listening() as listener:
        assert reap(**IMPATIENT, **HASTY) == {}
        assert position(ministack) == {"part": "uploads", "after": {}}
        assert reap(**IMPATIENT, **HASTY) == {"lost": 1}
        assert position(ministack) == {"part": "records", "after": {}}
        listener.hear("reap/later.jpg")


def test_the_schedule_wakes_it(ministack: Stack, reap: Reap) -> None:
    scheduler, name = ministack.client("scheduler"), ministack.outputs.functions["reap"]
    reap()
    forget_position(ministack)
    hourly = scheduler.get_schedule(Name=name)
    assert (hourly["State"], hourly["ScheduleExpression"]) == ("ENABLED", "rate(1 hour)")
    scheduler.create_schedule(  # the same, now: nobody waits for an hour here
        Name=f"{name}-now",
        ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow=hourly["FlexibleTimeWindow"],
        Target=hourly["Target"],
    )
    try:
        wait_for_position(ministack)
    finally:
        scheduler.delete_schedule(Name=f"{name}-now")


def wait_for_position(stack: Stack) -> None:
    end = time.monotonic() + DEADLINE
    while POSITION not in stack.made(POSITION):
        assert time.monotonic() < end, "the schedule woke nobody"
        time.sleep(0.5)
