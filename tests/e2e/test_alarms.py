"""Alarms, traces and logs on MiniStack: each alarm sends an alert when its metric breaches.

MiniStack matches metrics by name and ignores dimensions; tests of the template check those
(tests/infra/test_alarms.py, test_alarms_fire.py).
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
    """Every alarm of the stage, by name. MiniStack evaluates alarms when they are described."""
    pages = stack.client("cloudwatch").get_paginator("describe_alarms")
    answers = pages.paginate(AlarmNamePrefix=f"darkroom-{stack.outputs.stage}-")
    return {alarm["AlarmName"]: alarm for page in answers for alarm in page["MetricAlarms"]}


@contextmanager
def listening(stack: Stack) -> Iterator[str]:
    """The URL of a queue that is subscribed to the alerts topic."""
    sqs, sns = stack.client("sqs"), stack.client("sns")
    topic = stack.outputs.topics["alerts"]
    url = sqs.create_queue(QueueName="alerts-received")["QueueUrl"]
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


def alerts(stack: Stack, url: str, expected: set[str]) -> set[str]:
    """The names of alarms that alerted, until all expected ones have or the deadline passed."""
    alerted: set[str] = set()
    end = time.monotonic() + DEADLINE
    while not expected <= alerted and time.monotonic() < end:
        alarms(stack)
        answer = stack.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1
        )
        for message in answer.get("Messages", []):
            alert = json.loads(message["Body"])
            alerted |= {alert["AlarmName"]} if alert["NewStateValue"] == "ALARM" else set()
            stack.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return alerted


def breach(stack: Stack, alarm: dict[str, Any]) -> None:
    """Put one datum of the alarm's metric, beyond its threshold."""
    below = alarm["ComparisonOperator"].startswith("Less")
    value = alarm["Threshold"] - 1 if below else 2 * alarm["Threshold"] + 1
    datum = {
        "MetricName": alarm["MetricName"],
        "Dimensions": alarm["Dimensions"],
        "Value": value,
        **({"Unit": alarm["Unit"]} if alarm.get("Unit") else {}),
    }
    stack.client("cloudwatch").put_metric_data(Namespace=alarm["Namespace"], MetricData=[datum])


def test_every_alarm_alerts_when_its_metric_breaches(ministack: Stack) -> None:
    by_name = alarms(ministack)
    quiet = {name for name, alarm in by_name.items() if alarm["StateValue"] != "ALARM"}
    with listening(ministack) as url:
        for name in sorted(quiet):
            breach(ministack, by_name[name])
        # the alarm on missing sweeps cannot breach: real sweeps have put data
        expected = quiet - {f"darkroom-{ministack.outputs.stage}-reap-missed-schedule"}
        assert expected
        assert expected <= alerts(ministack, url, expected)


def test_a_failing_function_increases_its_error_metric(ministack: Stack) -> None:
    function = ministack.outputs.functions["notify"]
    invocation = ministack.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    assert invocation["FunctionError"]
    answer = ministack.client("cloudwatch").list_metrics(
        Namespace="AWS/Lambda", MetricName="Errors"
    )
    assert {"Name": "FunctionName", "Value": function} in [
        dimension for metric in answer["Metrics"] for dimension in metric["Dimensions"]
    ]


@pytest.fixture
def notification(ministack: Stack, cat: Any) -> dict[str, Any]:
    """The notification of a photo."""
    with ministack.listening() as listener:
        ministack.upload("alarms/cat.jpg", cat.read_bytes())
        return listener.notification("alarms/cat.jpg")


def test_a_trace_shows_every_service_of_an_image(
    ministack: Stack, notification: dict[str, Any]
) -> None:
    trace = Trace.read(notification["image"], ministack.outputs, ministack.clients)
    done = [step.service for step in trace.steps if step.outcome == "done"]
    assert (done[0], set(done)) == ("resize", {"resize", "analyze", "store", "notify", "forward"})


def test_every_hop_of_an_image_is_a_log_line_with_its_metrics(
    ministack: Stack, notification: dict[str, Any]
) -> None:
    logs = Logs.of(ministack.outputs, ministack.clients)
    lines = [
        line.fields for line in logs.lines(time.time() - DEADLINE, image=notification["image"])
    ]
    hops = [line for line in lines if line["message"] == "hop" and line["outcome"] == "done"]
    assert {line["service"] for line in hops} == {"resize", "analyze", "store", "notify", "forward"}
    assert {line["stage"] for line in hops} == {ministack.outputs.stage}
    assert all({"Age", "Duration"} <= line.keys() for line in hops)
    assert [line["Failed"] for line in lines if line["message"] == "the run ended"] == [0]
