"""A deletion on request, end to end on MiniStack: afterwards nothing of the image is anywhere.

What stays says that there was an image and that it is deleted: the tombstone, with where the
original was and whose, and ids and times of what was done, in timeline and ledger. All expires.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cli.main import main
from shared.contracts.envelope import Envelope
from shared.contracts.images import ImageCompleted
from tests.contract.samples import AT, STORED
from tests.e2e.stack import Stack

GIVEN = "6f1d6a3e-8a53-4d0c-9a51-0c8e6f0b7a11"
KEY, OWNER = f"uploads/{GIVEN}/grandmother-at-home.jpg", "grace-hopper"
SEEN = ("Cat", "Pet", "Mammal")  # labels of the picture


def versions(stack: Stack) -> Iterator[tuple[str, str, bytes]]:
    """Bucket, key and content of every version that there is, and of every delete marker."""
    s3 = stack.client("s3")
    for bucket in stack.outputs.buckets.values():
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for one in page.get("Versions", []):
                named = {"Bucket": bucket, "Key": one["Key"], "VersionId": one["VersionId"]}
                yield bucket, one["Key"], s3.get_object(**named)["Body"].read()
            for marker in page.get("DeleteMarkers", []):
                yield bucket, marker["Key"], b""


def items(stack: Stack, table: str, image: str) -> list[dict[str, Any]]:
    """Every item of a table that names the image anywhere."""
    pages = stack.client("dynamodb").get_paginator("scan")
    found = pages.paginate(TableName=stack.outputs.tables[table], ConsistentRead=True)
    return [one for page in found for one in page["Items"] if image in json.dumps(one)]


def counts(stack: Stack) -> dict[str, int]:
    """Images by label, added up over the partitions."""
    pages = stack.client("dynamodb").get_paginator("scan")
    found: dict[str, int] = {}
    for page in pages.paginate(TableName=stack.outputs.tables["records"], ConsistentRead=True):
        for one in page["Items"]:
            if "images" in one:
                label = one["item"]["S"]
                found[label] = found.get(label, 0) + int(one["images"]["N"])
    return {label: number for label, number in found.items() if number}


def dead_letter(stack: Stack, image: str) -> None:
    """A message about the image that nobody could handle, so that rescue keeps it."""
    stored = STORED.model_copy(update={"image": image})
    assert isinstance(stored, ImageCompleted)
    body = Envelope.first(stored, "darkroom/tests", AT).to_json()
    reason = {"DataType": "String", "StringValue": "worker-died"}
    stack.client("sqs").send_message(
        QueueUrl=stack.outputs.dead_letter_queues["notify"],
        MessageBody=body,
        MessageAttributes={"reason": reason, "detail": reason},
    )


@pytest.fixture(scope="module")
def deleted(ministack: Stack, cat: Path) -> tuple[str, dict[str, int]]:
    """An image that was analysed, replayed, had a dead letter, and was deleted; counts before."""
    stack, endpoint = ministack, ("--endpoint-url", str(ministack.outputs.endpoint))
    before = counts(stack)
    with stack.listening() as listener:
        for _ in range(2):  # the second is of the same image, and changes nothing
            stack.upload(KEY, cat.read_bytes(), owner=OWNER)
        image: str = listener.hear(KEY)[KEY]["image"]
        assert main(["replay", image, *endpoint]) == 0
        assert listener.hear(KEY)[KEY]["run"] == 1
        dead_letter(stack, image)
        stack.wait_until_idle()
        kinds = {key.split("/")[0] for key in stack.made(image)}
        assert kinds == {"renditions", "analyses", "results", "dead-letters"}
        assert counts(stack) != before
        assert main(["delete", "--yes", image, *endpoint]) == 0
        assert listener.hear(KEY)[KEY]["status"] == "deleted"
    return image, before


def test_no_bucket_holds_any_version_of_anything_about_it(
    ministack: Stack, deleted: tuple[str, dict[str, int]]
) -> None:
    image, _ = deleted
    for bucket, key, body in versions(ministack):
        assert image not in key, f"s3://{bucket}/{key}"
        assert key != KEY, f"s3://{bucket}/{key}"
        assert image.encode() not in body, f"s3://{bucket}/{key}"
        assert OWNER.encode() not in body, f"s3://{bucket}/{key}"


def test_no_list_and_no_count_knows_of_it(
    ministack: Stack, deleted: tuple[str, dict[str, int]]
) -> None:
    image, before = deleted
    kinds = {one["item"]["S"].split("/")[0] for one in items(ministack, "records", image)}
    assert kinds == {"record", "index-state", "event"}
    assert counts(ministack) == before


def test_what_stays_says_nothing_of_the_picture(
    ministack: Stack, deleted: tuple[str, dict[str, int]]
) -> None:
    image, _ = deleted
    stays = [*items(ministack, "records", image), *items(ministack, "ledger", image)]
    (tombstone,) = [one for one in stays if one.get("item") == {"S": "record"}]
    assert not [word for word in SEEN if word in json.dumps(stays)]
    others = json.dumps([one for one in stays if one is not tombstone])
    assert KEY not in others
    assert OWNER not in others


def test_what_stays_does_not_stay_for_ever(
    ministack: Stack, deleted: tuple[str, dict[str, int]]
) -> None:
    image, _ = deleted
    claims = items(ministack, "ledger", image)
    records = items(ministack, "records", image)
    assert all("expires" in one for one in (*claims, *records))
    (tombstone,) = [one for one in records if one["item"] == {"S": "record"}]
    assert int(tombstone["expires"]["N"]) > max(int(one["expires"]["N"]) for one in claims)


def test_no_queue_holds_a_word_of_it(ministack: Stack, deleted: tuple[str, dict[str, int]]) -> None:
    ministack.wait_until_idle()
    assert ministack.waiting() == 0
