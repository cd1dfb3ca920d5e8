"""Subscribing, uploading and reading queue depths, against moto's AWS."""

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
    """A topic, a bucket and one service's queues, as the stack creates them."""
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


def test_a_subscriber_gets_the_raw_notification_and_its_queue_is_removed(clients, outputs):
    topic = outputs.topics["notifications"]

    with subscribed(outputs, clients) as subscription:
        clients.client("sns").publish(TopicArn=topic, Message='{"id": 1}')
        assert subscription.receive(1) == ['{"id": 1}']
        assert subscription.receive(0) == []  # deleted from the queue

    assert left_behind(clients) == []


def test_ctrl_c_removes_queue_and_subscription(clients, outputs):
    with pytest.raises(KeyboardInterrupt), subscribed(outputs, clients):
        raise KeyboardInterrupt

    assert left_behind(clients) == []


def test_the_queue_is_removed_if_the_subscription_fails(clients, outputs):
    gone = replace(outputs, topics={"notifications": outputs.topics["notifications"] + "-gone"})

    with (
        pytest.raises(clients.client("sns").exceptions.NotFoundException),
        subscribed(gone, clients),
    ):
        pass

    assert left_behind(clients) == []


def test_an_upload_carries_its_type_its_owner_and_its_focal_point(clients, outputs, tmp_path):
    photo = tmp_path / "cat & mouse.jpg"
    photo.write_bytes(b"picture")

    uri = upload(photo, "a b/ü.jpg", "ada", outputs, clients, focal="0.3,0.7")
    assert uri == "s3://uploads/a b/ü.jpg"

    stored = clients.client("s3").get_object(Bucket="uploads", Key="a b/ü.jpg")
    assert stored["ContentType"] == "image/jpeg"
    assert stored["Metadata"] == {"owner": "ada", "focal": "0.3,0.7"}
    assert stored["Body"].read() == b"picture"


def test_an_impossible_upload_is_refused_in_one_line(clients, outputs, tmp_path):
    (tmp_path / "cat.jpg").touch()
    nowhere = replace(outputs, buckets={"uploads": "no-such-bucket"})

    with pytest.raises(InfraError, match=r"no file .*dog\.jpg"):
        upload(tmp_path / "dog.jpg", "key", None, outputs, clients)
    with pytest.raises(InfraError, match="ASCII"):
        upload(tmp_path / "cat.jpg", "key", "Zoë", outputs, clients)
    with pytest.raises(InfraError, match="two ratios"):
        upload(tmp_path / "cat.jpg", "key", None, outputs, clients, focal="left")
    with pytest.raises(InfraError, match="NoSuchBucket"):
        upload(tmp_path / "cat.jpg", "key", None, nowhere, clients)


def test_depths_count_waiting_in_flight_and_dead_lettered_messages(clients, outputs):
    sqs = clients.client("sqs")
    for url, count in ((outputs.queues["resize"], 3), (outputs.dead_letter_queues["resize"], 1)):
        for _ in range(count):
            sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.receive_message(QueueUrl=outputs.queues["resize"], MaxNumberOfMessages=1)

    assert depths(outputs, clients) == [QueueDepth("resize", waiting=2, in_flight=1, dead=1)]


def test_the_backlog_report_shows_the_latest_log_lines_of_each_function(clients, outputs):
    logs = clients.client("logs")
    group = {"logGroupName": "/aws/lambda/darkroom-local-resize"}
    logs.create_log_group(**group)
    logs.create_log_stream(**group, logStreamName="s")
    lines = ["START RequestId: 1", "one", "two", "three", "four", "END RequestId: 1"]
    now = int(time.time() * 1000) - 60_000
    events = [{"timestamp": now + n, "message": text} for n, text in enumerate(lines)]
    logs.put_log_events(**group, logStreamName="s", logEvents=events)

    text = backlog_report(outputs, clients)

    assert text.splitlines()[-4:] == [
        "  latest log lines of resize:",
        "    two",
        "    three",
        "    four",
    ]


def test_the_backlog_report_works_without_logs(clients, outputs):
    assert recent_log_lines(clients.client("logs"), "no-such-function") == []
    assert "dead letters" in backlog_report(outputs, clients)
