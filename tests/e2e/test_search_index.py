"""Lists on MiniStack with ``AUTH=true``: a photo is found where it belongs, until it is deleted."""

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


def listed(stack: Stack, name: str, image: str) -> bool:
    """Whether the image is in the list, by the index alone."""
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
    """The one cat of an owner, once everything about it has come to rest."""
    with ministack.listening() as listener:
        ministack.upload(KEY, cat.read_bytes(), owner="ada")
        told: dict[str, Any] = listener.hear(KEY)[KEY]
    return told["image"]


def test_a_photo_that_completed_is_in_every_list_it_belongs_to(
    ministack: Stack, image: str
) -> None:
    assert [listed(ministack, name, image) for name in LISTS] == [True] * len(LISTS)
    assert not listed(ministack, by_status(Shown.PROCESSING), image)


def test_a_photo_that_is_deleted_is_in_none_and_counts_no_more(
    ministack: Stack, image: str
) -> None:
    before = counted(ministack, image, "Cat")
    request = Envelope.first(DeleteRequested(image=image, run=0), "darkroom/tests", AT)
    queue = ministack.outputs.queues["store"]
    ministack.client("sqs").send_message(QueueUrl=queue, MessageBody=request.to_json())
    ministack.wait_until_idle()
    assert not any(listed(ministack, name, image) for name in LISTS)
    assert counted(ministack, image, "Cat") == before - 1
