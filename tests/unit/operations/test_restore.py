"""A restored backup is copied into an empty table, completely."""

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


def test_unprocessed_items_are_sent_again(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(30):
        dynamodb.put_item(TableName="backup", Item=item(n))
    write = dynamodb.batch_write_item

    def half(RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        (requests,) = RequestItems.values()
        written, left = requests[: len(requests) // 2 + 1], requests[len(requests) // 2 + 1 :]
        write(RequestItems={"live": written})
        return {"UnprocessedItems": {"live": left} if left else {}}

    monkeypatch.setattr(dynamodb, "batch_write_item", half)
    restore("backup", "live", dynamodb, print)
    assert everything(dynamodb, "live") == everything(dynamodb, "backup")


def test_a_target_table_that_is_not_empty_is_not_changed(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="live", Item=item(1))
    dynamodb.put_item(TableName="backup", Item=item(2))
    with pytest.raises(InfraError, match="live is not empty"):
        restore("backup", "live", dynamodb, print)
    assert everything(dynamodb, "live") == [item(1)]


def test_a_missing_source_table_is_an_error_that_names_it(dynamodb: Any) -> None:
    with pytest.raises(InfraError, match="no table missing; restore the backup into it first"):
        restore("missing", "live", dynamodb, print)
