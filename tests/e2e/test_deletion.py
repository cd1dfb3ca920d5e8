"""Deletion on request, on MiniStack: nothing of the image's content remains.

Only the tombstone (the original's location and owner) and the ids and times in timeline and ledger
remain, and all of them expire.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cli.main import main
from shared.contracts.envelope import Envelope
from shared.contracts.images import ImageCompleted
from tests.contract.samples import AT, COMPLETED
from tests.e2e.stack import Stack

UPLOAD = "6f1d6a3e-8a53-4d0c-9a51-0c8e6f0b7a11"
KEY, OWNER = f"uploads/{UPLOAD}/grandmother-at-home.jpg", "grace-hopper"
LABELS = ("Cat", "Pet", "Mammal")  # labels of the picture


def versions(stack: Stack) -> Iterator[tuple[str, str, bytes]]:
    """Bucket, key and content of every version and every delete marker."""
    s3 = stack.client("s3")
    for bucket in stack.outputs.buckets.values():
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", []):
                key, version_id = version["Key"], version["VersionId"]
                answer = s3.get_object(Bucket=bucket, Key=key, VersionId=version_id)
                yield bucket, key, answer["Body"].read()
            for marker in page.get("DeleteMarkers", []):
                yield bucket, marker["Key"], b""


def items(stack: Stack, table: str, image: str) -> list[dict[str, Any]]:
    """Every item of a table that contains the image's id."""
    pages = stack.client("dynamodb").get_paginator("scan")
    answers = pages.paginate(TableName=stack.outputs.tables[table], ConsistentRead=True)
    return [item for page in answers for item in page["Items"] if image in json.dumps(item)]


def counts(stack: Stack) -> dict[str, int]:
    """Images by label, summed over the partitions."""
    pages = stack.client("dynamodb").get_paginator("scan")
    images: dict[str, int] = {}
    for page in pages.paginate(TableName=stack.outputs.tables["records"], ConsistentRead=True):
        for item in page["Items"]:
            if "images" in item:
                label = item["item"]["S"]
                images[label] = images.get(label, 0) + int(item["images"]["N"])
    return {label: number for label, number in images.items() if number}


def send_dead_letter(stack: Stack, image: str) -> None:
    """Send a message about the image to a dead-letter queue, so that ``rescue`` stores it."""
    completed = COMPLETED.model_copy(update={"image": image})
    assert isinstance(completed, ImageCompleted)
    body = Envelope.first(completed, "darkroom/tests", AT).to_json()
    reason = {"DataType": "String", "StringValue": "worker-died"}
    stack.client("sqs").send_message(
        QueueUrl=stack.outputs.dead_letter_queues["notify"],
        MessageBody=body,
        MessageAttributes={"reason": reason, "detail": reason},
    )


@pytest.fixture(scope="module")
def deleted(ministack: Stack, cat: Path) -> tuple[str, dict[str, int]]:
    """An image that was replayed, dead-lettered and deleted; and the label counts before it."""
    stack, endpoint = ministack, ("--endpoint-url", str(ministack.outputs.endpoint))
    before = counts(stack)
    with stack.listening() as listener:
        for _ in range(2):  # the second upload is of the same image and changes nothing
            stack.upload(KEY, cat.read_bytes(), owner=OWNER)
        image: str = listener.notification(KEY)["image"]
        assert main(["replay", image, *endpoint]) == 0
        assert listener.notification(KEY)["run"] == 1
        send_dead_letter(stack, image)
        stack.wait_until_idle()
        kinds = {key.split("/")[0] for key in stack.objects(image)}
        assert kinds == {"renditions", "analyses", "results", "dead-letters"}
        assert counts(stack) != before
        assert main(["delete", "--yes", image, *endpoint]) == 0
        assert listener.notification(KEY)["status"] == "deleted"
    return image, before


def test_no_bucket_has_a_version_of_any_of_its_objects(
    ministack: Stack, deleted: tuple[str, dict[str, int]]
) -> None:
    image, _ = deleted
    for bucket, key, body in versions(ministack):
        assert image not in key, f"s3://{bucket}/{key}"
        assert key != KEY, f"s3://{bucket}/{key}"
        assert image.encode() not in body, f"s3://{bucket}/{key}"
        assert OWNER.encode() not in body, f"s3://{bucket}/{key}"


def test_no_list_and_no_count_includes_it(
    ministack: Stack, deleted: tuple[str, dict[str, int]]
) -> None:
    image, before = deleted
    kinds = {item["item"]["S"].split("/")[0] for item in items(ministack, "records", image)}
    assert kinds == {"record", "index-state", "event"}
    assert counts(ministack) == before


def test_remaining_items_contain_nothing_of_the_picture(
    ministack: Stack, deleted: tuple[str, dict[str, int]]
) -> None:
    image, _ = deleted
    remaining = [*items(ministack, "records", image), *items(ministack, "ledger", image)]
    (tombstone,) = [item for item in remaining if item.get("item") == {"S": "record"}]
    assert not [label for label in LABELS if label in json.dumps(remaining)]
    others = json.dumps([item for item in remaining if item is not tombstone])
    assert KEY not in others
    assert OWNER not in others


def test_remaining_items_expire_the_tombstone_last(
    ministack: Stack, deleted: tuple[str, dict[str, int]]
) -> None:
    image, _ = deleted
    claims = items(ministack, "ledger", image)
    records = items(ministack, "records", image)
    assert all("expires" in item for item in (*claims, *records))
    (tombstone,) = [item for item in records if item["item"] == {"S": "record"}]
    assert int(tombstone["expires"]["N"]) > max(int(claim["expires"]["N"]) for claim in claims)


def test_no_queue_has_a_message(ministack: Stack, deleted: tuple[str, dict[str, int]]) -> None:
    ministack.wait_until_idle()
    assert ministack.waiting() == 0
