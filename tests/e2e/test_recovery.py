"""Back up and restore the table, and run the example subscriber, on MiniStack."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from infra.operations.restore import restore
from tests.e2e.stack import DEADLINE, Stack

SUBSCRIBER = Path(__file__).parents[2] / "docs" / "examples" / "subscriber.py"


def items(stack: Stack, table: str) -> list[Any]:
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return sorted((item for page in pages for item in page["Items"]), key=str)


def empty_copy(stack: Stack, table: str) -> str:
    """Create an empty table with the live one's schema; return its name."""
    dynamodb = stack.client("dynamodb")
    live = dynamodb.describe_table(TableName=stack.outputs.table)["Table"]
    indexes = [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in live["GlobalSecondaryIndexes"]
    ]
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=live["AttributeDefinitions"],
        KeySchema=live["KeySchema"],
        GlobalSecondaryIndexes=indexes,
    )
    return table


def test_a_restored_backup_equals_the_table(ministack: Stack, cat: Path) -> None:
    dynamodb = ministack.client("dynamodb")
    with ministack.listening() as listener:
        ministack.upload("backup/cat.jpg", cat.read_bytes())
        notification = listener.notification("backup/cat.jpg")
    ministack.wait_until_idle()
    before = items(ministack, ministack.outputs.table)
    backup = dynamodb.create_backup(TableName=ministack.outputs.table, BackupName="tonight")
    dynamodb.restore_table_from_backup(
        TargetTableName="restored", BackupArn=backup["BackupDetails"]["BackupArn"]
    )
    dynamodb.get_waiter("table_exists").wait(TableName="restored")
    fresh = empty_copy(ministack, "fresh")
    restore("restored", fresh, dynamodb, print)
    assert items(ministack, fresh) == before
    assert notification["image"] in {item["image"]["S"] for item in before}


def test_the_example_subscriber_receives_a_failure(ministack: Stack) -> None:
    outputs = ministack.outputs
    with subprocess.Popen(
        [sys.executable, str(SUBSCRIBER), outputs.topics["notifications"]],
        env=os.environ
        | {
            "AWS_ENDPOINT_URL": str(outputs.endpoint),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": outputs.region,
        },
        stdout=subprocess.PIPE,
        text=True,
    ) as subscriber:
        try:
            wait_for_subscription(ministack)
            ministack.upload("example/notes.jpg", b"these are my notes, not a picture")
            assert subscriber.stdout
            assert subscriber.stdout.readline() == "example/notes.jpg not-an-image\n"
        finally:
            subscriber.kill()
            ministack.client("sqs").delete_queue(QueueUrl=queue(ministack))


def queue(stack: Stack) -> str:
    url: str = stack.client("sqs").get_queue_url(QueueName="my-failed-images")["QueueUrl"]
    return url


def wait_for_subscription(stack: Stack) -> None:
    topic, end = stack.outputs.topics["notifications"], time.monotonic() + DEADLINE
    while time.monotonic() < end:
        answer = stack.client("sns").list_subscriptions_by_topic(TopicArn=topic)
        endpoints = [subscription["Endpoint"] for subscription in answer["Subscriptions"]]
        if any("my-failed-images" in endpoint for endpoint in endpoints):
            return
        time.sleep(0.2)
    raise AssertionError("the example did not subscribe")
