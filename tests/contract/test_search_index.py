"""One suite for every keeper of lists: DynamoDB (as moto plays it) and the one in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from services.store.index_entries import IndexEntries, IndexState, change, listing
from services.store.logic import decide
from services.store.search_index import DynamoSearchIndex
from shared.contracts.images import Event, Label
from shared.contracts.record import Record
from shared.contracts.search_index import (
    ALL,
    COUNT,
    ENTRY,
    INDEX,
    Entry,
    Summary,
    by_label,
    count_partition,
)
from shared.errors import Throttled, TransientError
from tests.contract.conftest import REGION
from tests.contract.samples import ANALYZED, AT, CAT, RESIZED, UNWANTED
from tests.unit.store.memory import MemorySearchIndex

DOG = ANALYZED.model_copy(update={"labels": (Label(name="Dog", confidence=88.5),)})
PAGE = 24
"""Entries that a reader asks for at once."""


def recorded(*events: Event) -> Record:
    record: Record | None = None
    for event in events:
        record = decide(record, event, AT)
    assert record
    return record


OPEN, COMPLETED = recorded(RESIZED), recorded(RESIZED, ANALYZED)
OTHERWISE = COMPLETED.model_copy(update={"runs": recorded(RESIZED, DOG).runs, "revision": 3})
DELETED = recorded(RESIZED, ANALYZED, UNWANTED)


@dataclass
class Shelf:
    """Lists, and how to look what stands in them."""

    lists: Any
    names: Callable[[str], set[str]]
    """The lists that the image has an entry in."""
    count: Callable[[str], int]
    """The images with this label."""

    def show(self, record: Record) -> bool:
        return self.lists.write(change(self.lists.read(record.image), listing(record)))


def in_memory() -> Shelf:
    lists = MemorySearchIndex()
    return Shelf(
        lists,
        lambda image: set(lists.of(image)),
        lambda label: lists.counts[count_partition(CAT), label],
    )


def in_dynamodb(client: Any, table: str) -> Shelf:
    def names(image: str) -> set[str]:
        items = client.scan(TableName=table)["Items"]
        return {item["list"]["S"] for item in items if "list" in item and of(item) == image}

    def count(label: str) -> int:
        key = {"image": {"S": count_partition(CAT)}, "item": {"S": f"{COUNT}{label}"}}
        found = client.get_item(TableName=table, Key=key).get("Item")
        return int(found["images"]["N"]) if found else 0

    return Shelf(DynamoSearchIndex(client, table), names, count)


def of(item: Any) -> str:
    return str(item["image"]["S"])


@pytest.fixture(params=["memory", "dynamodb"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    if request.param == "memory":
        return in_memory()
    table = request.getfixturevalue("records_table")
    return in_dynamodb(request.getfixturevalue("dynamodb"), table)


def asked(record: Record) -> set[str]:
    return {entry.list for entry in listing(record).entries}


def test_nothing_is_listed_of_an_image_that_was_never_heard_of(shelf: Shelf) -> None:
    assert shelf.lists.read(CAT) is None
    assert shelf.names(CAT) == set()


def test_what_is_listed_is_read_back_the_same(shelf: Shelf) -> None:
    shelf.show(COMPLETED)
    assert shelf.lists.read(CAT) == change(None, listing(COMPLETED)).listed


@pytest.mark.parametrize("record", [OPEN, COMPLETED, OTHERWISE, DELETED], ids=lambda r: r.revision)
def test_the_entries_are_those_that_the_record_asks_for(shelf: Shelf, record: Record) -> None:
    for each in (OPEN, COMPLETED, record):
        shelf.show(each)
    assert shelf.names(CAT) == asked(record)


def test_a_label_counts_for_as_long_as_it_is_listed(shelf: Shelf) -> None:
    counts = []
    for record in (OPEN, COMPLETED, OTHERWISE, DELETED):
        shelf.show(record)
        counts.append((shelf.count("Cat"), shelf.count("Dog")))
    assert counts == [(0, 0), (1, 0), (0, 1), (0, 0)]


def test_a_change_that_another_one_overtook_changes_nothing(shelf: Shelf) -> None:
    shelf.show(OPEN)
    late = change(shelf.lists.read(CAT), listing(COMPLETED))
    shelf.show(OTHERWISE)
    assert shelf.lists.write(late) is False
    assert shelf.names(CAT) == asked(OTHERWISE)
    assert (shelf.count("Cat"), shelf.count("Dog")) == (0, 1)


def test_of_two_first_listings_one_is_written(shelf: Shelf) -> None:
    first = change(None, listing(COMPLETED))
    assert [shelf.lists.write(first), shelf.lists.write(first)] == [True, False]
    assert shelf.count("Cat") == 1


def plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def page(client: Any, name: str) -> Any:
    return client.query(
        TableName="records",
        IndexName=INDEX,
        KeyConditionExpression="#list = :list",
        ExpressionAttributeNames={"#list": "list"},
        ExpressionAttributeValues={":list": {"S": name}},
        ScanIndexForward=False,
        Limit=PAGE,
    )


def test_an_entry_of_the_index_says_all_that_a_list_shows(
    dynamodb: Any, records_table: str
) -> None:
    in_dynamodb(dynamodb, records_table).show(COMPLETED)
    (item,) = page(dynamodb, by_label("Cat"))["Items"]
    assert Summary.model_validate(plain(item)) == listing(COMPLETED).summary
    assert Entry.model_validate(plain(item)) == Entry(list="label#Cat", confidence=98.76)
    assert item["at"] == {"S": f"2026-11-21T10:00:00.000000Z#{CAT}"}


@pytest.fixture
def fill(records_table: str) -> Callable[[range], None]:
    """Puts so many entries straight into moto's table: its own way in would take minutes."""
    table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[records_table]
    place = DynamoType({"S": f"{ENTRY}{ALL}"})

    def put(numbers: range) -> None:
        for n in numbers:
            image = DynamoType({"S": f"i{n}"})
            bare = Item(image, place, {})
            bare.attrs = {"image": image, "item": place, "list": name, "at": time(n)}
            table.items[image][place] = bare

    def time(n: int) -> DynamoType:
        return DynamoType({"S": f"2027-01-01T00:00:00.{n:06}Z#i{n}"})

    name = DynamoType({"S": ALL})
    return put


def test_a_page_reads_as_many_entries_of_a_hundred_as_of_ten_thousand(
    dynamodb: Any, fill: Callable[[range], None]
) -> None:
    read, before = [], 0
    for size in (100, 1_000, 10_000):
        fill(range(before, size))
        before = size
        answer = page(dynamodb, ALL)
        read.append((answer["ScannedCount"], len(answer["Items"])))
        assert of(answer["Items"][0]) == f"i{size - 1}"
    assert read == [(PAGE, PAGE)] * 3


class Cancelled:
    """A client whose every transaction is cancelled for this reason."""

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


def test_a_conflict_over_a_count_is_a_lost_race() -> None:
    lists = DynamoSearchIndex(Cancelled("None", "TransactionConflict"), "records")
    assert lists.write(change(None, listing(COMPLETED))) is False


@pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_was_throttled_is_tried_again_slowly(code: str) -> None:
    lists = DynamoSearchIndex(Cancelled("None", code), "records")
    with pytest.raises(Throttled):
        lists.write(change(None, listing(COMPLETED)))


def test_a_transaction_that_was_cancelled_otherwise_is_tried_again() -> None:
    lists = DynamoSearchIndex(Cancelled("ItemCollectionSizeLimitExceeded"), "records")
    with pytest.raises(TransientError, match="TransactionCanceledException"):
        lists.write(change(None, listing(COMPLETED)))


def _labelled(names: Iterator[str]) -> IndexEntries:
    labels = tuple(Label(name=name, confidence=90.0) for name in names)
    moderation = ANALYZED.moderation
    told = ANALYZED.model_copy(update={"labels": labels, "moderation": moderation})
    return listing(recorded(RESIZED, told))


def test_the_largest_change_there_is_fits_into_one_transaction() -> None:
    """All of an image's lists exchanged for others: 100 is what DynamoDB takes."""
    before = change(None, _labelled(f"old {n}" for n in range(50))).listed
    elsewhere = IndexState(
        image=CAT,
        revision=before.revision,
        lists={name + "x": said for name, said in before.lists.items()},
        labels=before.labels,
    )
    after = change(elsewhere, _labelled(f"new {n}" for n in range(50)))
    assert len(after.put) == len(after.leave) > 25
    assert len(list(DynamoSearchIndex(None, "records")._actions(after))) <= 100
