"""Listening, uploading and looking into queues, against moto's AWS."""

import time
from dataclasses import replace

import pytest
from moto import mock_aws

from infra.clients import Clients
from infra.errors import InfraError
from infra.local.diagnosis import QueueDepth, backlog_report, depths, recent_log_lines
from infra.local.subscription import subscribed
from infra.local.upload import upload
from tests.unit.local.fakes import OUTPUTS


@pytest.fixture
def clients(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield Clients(None, OUTPUTS.region)


@pytest.fixture
def outputs(clients):
    """A topic, a bucket and one service's queues, as the stack would have made them."""
    topic = clients.client("sns").create_topic(Name="notifications")["TopicArn"]
    clients.client("s3").create_bucket(Bucket="uploads")
    sqs = clients.client("sqs")
    queues = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("resize", "resize-dead")]
    return replace(
        OUTPUTS,
        account=topic.split(":")[4],
        topics={"notifications": topic},
        buckets={"uploads": "uploads"},
        queues={"resize": queues[0]},
        dead_letter_queues={"resize": queues[1]},
        functions={"resize": "darkroom-local-resize"},
    )


def left_behind(clients):
    queues = clients.client("sqs").list_queues(QueueNamePrefix="darkroom-local-listener")
    return [
        *queues.get("QueueUrls", []),
        *clients.client("sns").list_subscriptions()["Subscriptions"],
    ]


def test_a_subscriber_gets_the_bare_notification_and_leaves_nothing(clients, outputs):
    topic = outputs.topics["notifications"]

    with subscribed(outputs, clients) as subscription:
        clients.client("sns").publish(TopicArn=topic, Message='{"id": 1}')
        assert subscription.receive(1) == ['{"id": 1}']
        assert subscription.receive(0) == []  # taken for good

    assert left_behind(clients) == []


def test_ctrl_c_leaves_nothing_behind_either(clients, outputs):
    with pytest.raises(KeyboardInterrupt), subscribed(outputs, clients):
        raise KeyboardInterrupt

    assert left_behind(clients) == []


def test_a_topic_that_refuses_leaves_no_queue(clients, outputs):
    gone = replace(outputs, topics={"notifications": outputs.topics["notifications"] + "-gone"})

    with (
        pytest.raises(clients.client("sns").exceptions.NotFoundException),
        subscribed(gone, clients),
    ):
        pass

    assert left_behind(clients) == []


def test_an_upload_carries_its_type_and_its_owner(clients, outputs, tmp_path):
    photo = tmp_path / "cat & mouse.jpg"
    photo.write_bytes(b"picture")

    assert upload(photo, "a b/ü.jpg", "ada", outputs, clients) == "s3://uploads/a b/ü.jpg"

    kept = clients.client("s3").get_object(Bucket="uploads", Key="a b/ü.jpg")
    assert kept["ContentType"] == "image/jpeg"
    assert kept["Metadata"] == {"owner": "ada"}
    assert kept["Body"].read() == b"picture"


def test_uploads_that_cannot_be_are_refused_in_one_line(clients, outputs, tmp_path):
    (tmp_path / "cat.jpg").touch()
    nowhere = replace(outputs, buckets={"uploads": "no-such-bucket"})

    with pytest.raises(InfraError, match=r"no file .*dog\.jpg"):
        upload(tmp_path / "dog.jpg", "key", None, outputs, clients)
    with pytest.raises(InfraError, match="ASCII"):
        upload(tmp_path / "cat.jpg", "key", "Zoë", outputs, clients)
    with pytest.raises(InfraError, match="NoSuchBucket"):
        upload(tmp_path / "cat.jpg", "key", None, nowhere, clients)


def test_depths_tell_the_waiting_from_those_at_work_and_the_dead(clients, outputs):
    sqs = clients.client("sqs")
    for url, count in ((outputs.queues["resize"], 3), (outputs.dead_letter_queues["resize"], 1)):
        for _ in range(count):
            sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.receive_message(QueueUrl=outputs.queues["resize"], MaxNumberOfMessages=1)

    assert depths(outputs, clients) == [QueueDepth("resize", waiting=2, at_work=1, dead=1)]


def test_what_is_stuck_is_shown_with_what_its_function_said_last(clients, outputs):
    logs = clients.client("logs")
    group = {"logGroupName": "/aws/lambda/darkroom-local-resize"}
    logs.create_log_group(**group)
    logs.create_log_stream(**group, logStreamName="s")
    said = ["START RequestId: 1", "one", "two", "three", "four", "END RequestId: 1"]
    now = int(time.time() * 1000) - 60_000
    events = [{"timestamp": now + n, "message": text} for n, text in enumerate(said)]
    logs.put_log_events(**group, logStreamName="s", logEvents=events)

    text = backlog_report(outputs, clients)

    assert text.splitlines()[-4:] == ["  resize said last:", "    two", "    three", "    four"]


def test_logs_that_cannot_be_read_hide_nothing_else(clients, outputs):
    assert recent_log_lines(clients.client("logs"), "no-such-function") == []
    assert "dead letters" in backlog_report(outputs, clients)
