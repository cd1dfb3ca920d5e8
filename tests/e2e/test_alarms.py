"""On MiniStack: every alarm rings on the alerts topic when its metric moves, and what went on there
can be had again as a trace and as lines of a log.

MiniStack looks at the names of metrics, not at their dimensions: that these are right is proven on
the template (tests/infra/test_alarms.py, test_alarms_ring.py).
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra.operations.logs import Logs
from infra.operations.trace import Trace
from tests.e2e.stack import DEADLINE, Stack


def alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    """Every alarm of the stage, by name; to ask for them is to have them looked at."""
    pages = stack.client("cloudwatch").get_paginator("describe_alarms")
    found = pages.paginate(AlarmNamePrefix=f"darkroom-{stack.outputs.stage}-")
    return {alarm["AlarmName"]: alarm for page in found for alarm in page["MetricAlarms"]}


@contextmanager
def listening(stack: Stack) -> Iterator[str]:
    """A queue of one's own behind the alerts topic."""
    sqs, sns = stack.client("sqs"), stack.client("sns")
    topic = stack.outputs.topics["alerts"]
    url = sqs.create_queue(QueueName="alerts-heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn["QueueArn"],
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    subscription = sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    try:
        yield url
    finally:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=url)


def rung(stack: Stack, url: str, wanted: set[str]) -> set[str]:
    """The alarms that were heard to ring, until all that are wanted have or the deadline came."""
    heard: set[str] = set()
    end = time.monotonic() + DEADLINE
    while not wanted <= heard and time.monotonic() < end:
        alarms(stack)
        answer = stack.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1
        )
        for message in answer.get("Messages", []):
            told = json.loads(message["Body"])
            heard |= {told["AlarmName"]} if told["NewStateValue"] == "ALARM" else set()
            stack.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return heard


def breach(stack: Stack, alarm: dict[str, Any]) -> None:
    """One datum of the alarm's own metric, beyond its threshold."""
    below = alarm["ComparisonOperator"].startswith("Less")
    value = alarm["Threshold"] - 1 if below else 2 * alarm["Threshold"] + 1
    datum = {
        "MetricName": alarm["MetricName"],
        "Dimensions": alarm["Dimensions"],
        "Value": value,
        **({"Unit": alarm["Unit"]} if alarm.get("Unit") else {}),
    }
    stack.client("cloudwatch").put_metric_data(Namespace=alarm["Namespace"], MetricData=[datum])


def test_every_alarm_rings_when_its_metric_moves(ministack: Stack) -> None:
    found = alarms(ministack)
    quiet = {name for name, alarm in found.items() if alarm["StateValue"] != "ALARM"}
    with listening(ministack) as url:
        for name in sorted(quiet):
            breach(ministack, found[name])
        # that nobody woke reap cannot be put as a datum beside those of its real runs
        wanted = quiet - {f"darkroom-{ministack.outputs.stage}-reap-silent"}
        assert wanted
        assert wanted <= rung(ministack, url, wanted)


def test_a_function_that_fails_moves_its_metric_by_itself(ministack: Stack) -> None:
    function = ministack.outputs.functions["notify"]
    answer = ministack.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    assert answer["FunctionError"]
    found = ministack.client("cloudwatch").list_metrics(Namespace="AWS/Lambda", MetricName="Errors")
    assert {"Name": "FunctionName", "Value": function} in [
        dimension for metric in found["Metrics"] for dimension in metric["Dimensions"]
    ]


@pytest.fixture
def told(ministack: Stack, cat: Any) -> dict[str, Any]:
    """What was told of a photo."""
    with ministack.listening() as listener:
        ministack.upload("alarms/cat.jpg", cat.read_bytes())
        return listener.hear("alarms/cat.jpg")["alarms/cat.jpg"]


def test_an_image_is_traced_from_its_upload_to_its_end(
    ministack: Stack, told: dict[str, Any]
) -> None:
    found = Trace.read(told["image"], ministack.outputs, ministack.clients)
    done = [step.service for step in found.steps if step.outcome == "done"]
    assert (done[0], set(done)) == ("resize", {"resize", "analyze", "store", "notify", "forward"})


def test_every_hop_of_an_image_is_a_line_of_the_log_with_its_numbers(
    ministack: Stack, told: dict[str, Any]
) -> None:
    logs = Logs.of(ministack.outputs, ministack.clients)
    lines = [line.fields for line in logs.lines(time.time() - DEADLINE, image=told["image"])]
    hops = [line for line in lines if line["message"] == "hop" and line["outcome"] == "done"]
    assert {line["service"] for line in hops} == {"resize", "analyze", "store", "notify", "forward"}
    assert {line["stage"] for line in hops} == {ministack.outputs.stage}
    assert all({"Age", "Duration"} <= line.keys() for line in hops)
    assert [line["Failed"] for line in lines if line["message"] == "the run ended"] == [0]
