"""The conformance suite of the search index: DynamoDB (played by moto) and memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from services.store.index_entries import IndexEntries, IndexState, change, index_entries
from services.store.logic import decide
from services.store.search_index import DynamoSearchIndex
from shared.contracts.images import Event, Label
from shared.contracts.record import Record
from shared.contracts.search_index import (
    ALL,
    COUNT,
    ENTRY,
    INDEX,
    ImageSummary,
    IndexEntry,
    by_label,
    count_partition,
)
from shared.errors import Throttled, TransientError
from tests.contract.conftest import REGION
from tests.contract.samples import ANALYZED, AT, CAT, DELETE_REQUESTED, RESIZED
from tests.unit.store.memory import MemorySearchIndex

DOG = ANALYZED.model_copy(update={"labels": (Label(name="Dog", confidence=88.5),)})
PAGE = 24
"""Entries in one Query."""


def recorded(*events: Event) -> Record:
    record: Record | None = None
    for event in events:
        record = decide(record, event, AT)
    assert record
    return record


OPEN, COMPLETED = recorded(RESIZED), recorded(RESIZED, ANALYZED)
RELABELLED = COMPLETED.model_copy(update={"runs": recorded(RESIZED, DOG).runs, "revision": 3})
DELETED = recorded(RESIZED, ANALYZED, DELETE_REQUESTED)


@dataclass
class Harness:
    """A search index and ways to inspect it."""

    index: Any
    partitions: Callable[[str], set[str]]
    """The partitions that hold an entry of the image."""
    count: Callable[[str], int]
    """The images with this label."""

    def update(self, record: Record) -> bool:
        return self.index.write(change(self.index.read(record.image), index_entries(record)))


def in_memory() -> Harness:
    index = MemorySearchIndex()
    return Harness(
        index,
        lambda image: set(index.of(image)),
        lambda label: index.counts[count_partition(CAT), label],
    )


def in_dynamodb(client: Any, table: str) -> Harness:
    def partitions(image: str) -> set[str]:
        items = client.scan(TableName=table)["Items"]
        entries = [item for item in items if "partition" in item]
        return {item["partition"]["S"] for item in entries if image_of(item) == image}

    def count(label: str) -> int:
        key = {"image": {"S": count_partition(CAT)}, "item": {"S": f"{COUNT}{label}"}}
        item = client.get_item(TableName=table, Key=key).get("Item")
        return int(item["images"]["N"]) if item else 0

    return Harness(DynamoSearchIndex(client, table), partitions, count)


def image_of(item: Any) -> str:
    return str(item["image"]["S"])


@pytest.fixture(params=["memory", "dynamodb"])
def harness(request: pytest.FixtureRequest) -> Harness:
    if request.param == "memory":
        return in_memory()
    table = request.getfixturevalue("records_table")
    return in_dynamodb(request.getfixturevalue("dynamodb"), table)


def expected(record: Record) -> set[str]:
    return {entry.partition for entry in index_entries(record).entries}


def test_an_unknown_image_has_no_entries(harness: Harness) -> None:
    assert harness.index.read(CAT) is None
    assert harness.partitions(CAT) == set()


def test_the_index_state_is_read_as_it_was_written(harness: Harness) -> None:
    harness.update(COMPLETED)
    assert harness.index.read(CAT) == change(None, index_entries(COMPLETED)).state


@pytest.mark.parametrize("record", [OPEN, COMPLETED, RELABELLED, DELETED], ids=lambda r: r.revision)
def test_the_entries_follow_the_record(harness: Harness, record: Record) -> None:
    for revision in (OPEN, COMPLETED, record):
        harness.update(revision)
    assert harness.partitions(CAT) == expected(record)


def test_a_label_counts_while_it_has_an_entry(harness: Harness) -> None:
    counts = []
    for record in (OPEN, COMPLETED, RELABELLED, DELETED):
        harness.update(record)
        counts.append((harness.count("Cat"), harness.count("Dog")))
    assert counts == [(0, 0), (1, 0), (0, 1), (0, 0)]


def test_an_outdated_change_writes_nothing(harness: Harness) -> None:
    harness.update(OPEN)
    late = change(harness.index.read(CAT), index_entries(COMPLETED))
    harness.update(RELABELLED)
    assert harness.index.write(late) is False
    assert harness.partitions(CAT) == expected(RELABELLED)
    assert (harness.count("Cat"), harness.count("Dog")) == (0, 1)


def test_one_of_two_first_changes_is_written(harness: Harness) -> None:
    first = change(None, index_entries(COMPLETED))
    assert [harness.index.write(first), harness.index.write(first)] == [True, False]
    assert harness.count("Cat") == 1


def plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def page(client: Any, partition: str) -> Any:
    return client.query(
        TableName="records",
        IndexName=INDEX,
        KeyConditionExpression="#partition = :partition",
        ExpressionAttributeNames={"#partition": "partition"},
        ExpressionAttributeValues={":partition": {"S": partition}},
        ScanIndexForward=False,
        Limit=PAGE,
    )


def test_an_entry_holds_the_summary_and_its_own_fields(dynamodb: Any, records_table: str) -> None:
    in_dynamodb(dynamodb, records_table).update(COMPLETED)
    (item,) = page(dynamodb, by_label("Cat"))["Items"]
    assert ImageSummary.model_validate(plain(item)) == index_entries(COMPLETED).summary
    assert IndexEntry.model_validate(plain(item)) == IndexEntry(
        partition="label#Cat", confidence=98.76
    )
    assert item["at"] == {"S": f"2026-11-21T10:00:00.000000Z#{CAT}"}


@pytest.fixture
def fill(records_table: str) -> Callable[[range], None]:
    """Puts entries straight into moto's table: its API would take minutes."""
    table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[records_table]
    key = DynamoType({"S": f"{ENTRY}{ALL}"})

    def put(numbers: range) -> None:
        for n in numbers:
            image = DynamoType({"S": f"i{n}"})
            item = Item(image, key, {})
            item.attrs = {"image": image, "item": key, "partition": partition, "at": time(n)}
            table.items[image][key] = item

    def time(n: int) -> DynamoType:
        return DynamoType({"S": f"2027-01-01T00:00:00.{n:06}Z#i{n}"})

    partition = DynamoType({"S": ALL})
    return put


@pytest.mark.slow  # 100,000 entries
def test_the_cost_of_a_page_does_not_grow_with_the_table(
    dynamodb: Any, fill: Callable[[range], None]
) -> None:
    read, before = [], 0
    for size in (100, 10_000, 100_000):
        fill(range(before, size))
        before = size
        answer = page(dynamodb, ALL)
        read.append((answer["ScannedCount"], len(answer["Items"])))
        assert image_of(answer["Items"][0]) == f"i{size - 1}"
    assert read == [(PAGE, PAGE)] * 3


class Cancelled:
    """A client that cancels every transaction with these codes."""

    class exceptions:  # noqa: N801 - botocore's name
        class TransactionCanceledException(ClientError):
            pass

    def __init__(self, *codes: str) -> None:
        self.codes = codes

    def transact_write_items(self, **_: Any) -> None:
        reasons = [{"Code": code} for code in self.codes]
        answer: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": "no"},
            "CancellationReasons": reasons,
        }
        raise self.exceptions.TransactionCanceledException(answer, "TransactWriteItems")


def test_a_conflict_on_a_count_is_a_lost_race() -> None:
    index = DynamoSearchIndex(Cancelled("None", "TransactionConflict"), "records")
    assert index.write(change(None, index_entries(COMPLETED))) is False


@pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_throttled_transaction_raises_throttled(code: str) -> None:
    index = DynamoSearchIndex(Cancelled("None", code), "records")
    with pytest.raises(Throttled):
        index.write(change(None, index_entries(COMPLETED)))


def test_another_cancellation_is_transient() -> None:
    index = DynamoSearchIndex(Cancelled("ItemCollectionSizeLimitExceeded"), "records")
    with pytest.raises(TransientError, match="TransactionCanceledException"):
        index.write(change(None, index_entries(COMPLETED)))


def _labelled(names: Iterator[str]) -> IndexEntries:
    labels = tuple(Label(name=name, confidence=90.0) for name in names)
    analyzed = ANALYZED.model_copy(update={"labels": labels})
    return index_entries(recorded(RESIZED, analyzed))


def test_the_largest_change_fits_into_one_transaction() -> None:
    """It replaces all entries of an image. DynamoDB's limit is 100 actions."""
    before = change(None, _labelled(f"old {n}" for n in range(50))).state
    other_partitions = IndexState(
        image=CAT,
        revision=before.revision,
        entries={name + "x": digest for name, digest in before.entries.items()},
        labels=before.labels,
    )
    after = change(other_partitions, _labelled(f"new {n}" for n in range(50)))
    assert len(after.put) == len(after.delete) > 25
    assert len(list(DynamoSearchIndex(None, "records")._actions(after))) <= 100
