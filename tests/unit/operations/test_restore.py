"""A backup's items go into an empty table, all of them, and into no other."""

from collections.abc import Iterator
from typing import Any

import boto3
import moto
import pytest

from infra.errors import InfraError
from infra.operations.restore import restore

KEYS = {"image": "HASH", "item": "RANGE"}


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with moto.mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        for name in ("live", "backup"):
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in KEYS],
                KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in KEYS.items()],
            )
        yield client


def item(n: int) -> dict[str, Any]:
    return {"image": {"S": f"i{n}"}, "item": {"S": "record"}, "n": {"N": str(n)}}


def everything(client: Any, table: str) -> list[Any]:
    return sorted(client.scan(TableName=table)["Items"], key=str)


def test_every_item_is_copied_as_it_is(dynamodb: Any) -> None:
    for n in range(60):
        dynamodb.put_item(TableName="backup", Item=item(n))
    assert restore("backup", "live", dynamodb, print) == 60
    assert everything(dynamodb, "live") == everything(dynamodb, "backup")


def test_what_had_no_room_is_sent_again(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(30):
        dynamodb.put_item(TableName="backup", Item=item(n))
    write = dynamodb.batch_write_item

    def half(RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        (asked,) = RequestItems.values()
        taken, left = asked[: len(asked) // 2 + 1], asked[len(asked) // 2 + 1 :]
        write(RequestItems={"live": taken})
        return {"UnprocessedItems": {"live": left} if left else {}}

    monkeypatch.setattr(dynamodb, "batch_write_item", half)
    restore("backup", "live", dynamodb, print)
    assert everything(dynamodb, "live") == everything(dynamodb, "backup")


def test_a_table_that_holds_anything_is_left_as_it_is(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="live", Item=item(1))
    dynamodb.put_item(TableName="backup", Item=item(2))
    with pytest.raises(InfraError, match="live holds items already"):
        restore("backup", "live", dynamodb, print)
    assert everything(dynamodb, "live") == [item(1)]


def test_a_source_that_is_not_there_is_named(dynamodb: Any) -> None:
    with pytest.raises(InfraError, match="no table missing; restore the backup into it first"):
        restore("missing", "live", dynamodb, print)
