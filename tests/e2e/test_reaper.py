"""The timeout sweeper: the deployed function with its own role, and its schedule."""

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
"""s. More time than any invocation has left, so it stops after every page."""

Reap = Callable[..., dict[str, int]]


@pytest.fixture
def reap(ministack: Stack) -> Iterator[Reap]:
    """Invoke the function with changed settings; restore them afterwards."""
    client, name = ministack.client("lambda"), ministack.outputs.functions["reap"]
    before = client.get_function_configuration(FunctionName=name)["Environment"]

    def invoke(**changed: str) -> dict[str, int]:
        variables = {"Variables": before["Variables"] | changed}
        client.update_function_configuration(FunctionName=name, Environment=variables)
        answer = client.invoke(FunctionName=name, Payload=b"{}")
        result = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result

    ministack.wait_until_idle()
    delete_position(ministack)
    yield invoke
    client.update_function_configuration(FunctionName=name, Environment=before)


def delete_position(stack: Stack) -> None:
    stack.client("s3").delete_object(Bucket=stack.outputs.buckets["processed"], Key=POSITION)


def position(stack: Stack) -> Any:
    return json.loads(stack.object(POSITION)["Body"].read())


@contextmanager
def without_notifications(stack: Stack) -> Iterator[None]:
    """S3 sends no notification of uploads in the block."""
    s3, bucket = stack.client("s3"), stack.outputs.buckets["uploads"]
    configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
    del configuration["ResponseMetadata"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        yield
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration
        )


def test_the_function_finds_an_upload_whose_event_was_lost(
    ministack: Stack, reap: Reap, cat: Path
) -> None:
    with without_notifications(ministack):
        ministack.upload("reap/lost.jpg", cat.read_bytes())
    with ministack.listening() as listener:
        assert reap() == {}  # the upload is less than a day old
        assert reap(**IMPATIENT) == {"lost": 1}
        notification = listener.notification("reap/lost.jpg")
    assert (notification["status"], notification["failure"]["reason"]) == ("failed", "lost")
    assert reap(**IMPATIENT) == {}


def test_a_sweep_without_time_continues_at_the_next_invocation(
    ministack: Stack, reap: Reap, cat: Path
) -> None:
    with without_notifications(ministack):
        ministack.upload("reap/later.jpg", cat.read_bytes())
    with ministack.listening() as listener:
        assert reap(**IMPATIENT, **HASTY) == {}
        assert position(ministack) == {"part": "uploads", "after": {}}
        assert reap(**IMPATIENT, **HASTY) == {"lost": 1}
        assert position(ministack) == {"part": "records", "after": {}}
        listener.notifications("reap/later.jpg")


def test_the_schedule_invokes_the_function(ministack: Stack, reap: Reap) -> None:
    scheduler, name = ministack.client("scheduler"), ministack.outputs.functions["reap"]
    reap()
    delete_position(ministack)
    hourly = scheduler.get_schedule(Name=name)
    assert (hourly["State"], hourly["ScheduleExpression"]) == ("ENABLED", "rate(1 hour)")
    scheduler.create_schedule(  # the same target, now
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
    while POSITION not in stack.objects(POSITION):
        assert time.monotonic() < end, "the schedule did not invoke the function"
        time.sleep(0.5)
