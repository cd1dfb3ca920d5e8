"""The search index on MiniStack with ``AUTH=true``: a photo is listed until it is deleted."""

from pathlib import Path
from typing import Any

import pytest

from shared.contracts.envelope import Envelope
from shared.contracts.images import DeleteRequested
from shared.contracts.search_index import (
    ALL,
    COUNT,
    INDEX,
    Shown,
    by_label,
    by_owner,
    by_status,
    count_partition,
)
from tests.contract.samples import AT
from tests.e2e.stack import Stack

KEY = "lists/cat.jpg"
LISTS = (ALL, by_status(Shown.COMPLETED), by_owner("ada"), by_label("Cat"))


def is_listed(stack: Stack, name: str, image: str) -> bool:
    """Whether the index lists the image under this name."""
    answer = stack.client("dynamodb").query(
        TableName=stack.outputs.tables["records"],
        IndexName=INDEX,
        KeyConditionExpression="#list = :list",
        ExpressionAttributeNames={"#list": "partition"},
        ExpressionAttributeValues={":list": {"S": name}},
    )
    return image in {item["image"]["S"] for item in answer["Items"]}


def counted(stack: Stack, image: str, label: str) -> int:
    answer = stack.client("dynamodb").get_item(
        TableName=stack.outputs.tables["records"],
        Key={"image": {"S": count_partition(image)}, "item": {"S": f"{COUNT}{label}"}},
    )
    return int(answer["Item"]["images"]["N"])


@pytest.fixture(scope="module")
def image(ministack: Stack, cat: Path) -> str:
    """A completed photo of a cat, owned by ada."""
    with ministack.listening() as listener:
        ministack.upload(KEY, cat.read_bytes(), owner="ada")
        notification: dict[str, Any] = listener.notification(KEY)
    return notification["image"]


def test_a_completed_photo_is_in_all_its_lists(ministack: Stack, image: str) -> None:
    assert [is_listed(ministack, name, image) for name in LISTS] == [True] * len(LISTS)
    assert not is_listed(ministack, by_status(Shown.PROCESSING), image)


def test_a_deleted_photo_is_in_no_list_and_no_count(ministack: Stack, image: str) -> None:
    before = counted(ministack, image, "Cat")
    request = Envelope.first(DeleteRequested(image=image, run=0), "darkroom/tests", AT)
    queue = ministack.outputs.queues["store"]
    ministack.client("sqs").send_message(QueueUrl=queue, MessageBody=request.to_json())
    ministack.wait_until_idle()
    assert not any(is_listed(ministack, name, image) for name in LISTS)
    assert counted(ministack, image, "Cat") == before - 1
