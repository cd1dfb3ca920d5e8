"""AWS, simulated by moto in this process and reset after each test."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.cloudformation.storage import tables
from infra.config.stages import Stage

REGION = "us-east-1"

MakeClient = Callable[[str], Any]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeClient]:
    """A function that creates clients of a simulated AWS."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield lambda service: boto3.client(service, region_name=REGION)


def make_table(client: Any, name: str, sort_key: str) -> str:
    """Create a table as the stack defines it; its sort key selects the definition."""
    properties = _properties(sort_key)
    names = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    arguments = {part: properties[part] for part in names if part in properties}
    client.create_table(TableName=name, **arguments)
    return name


@cache
def _properties(sort_key: str) -> dict[str, Any]:
    return next(
        table["Properties"]
        for table in tables(Stage.load("local")).values()
        if table["Properties"]["KeySchema"][1]["AttributeName"] == sort_key
    )


@pytest.fixture
def dynamodb(aws: MakeClient) -> Any:
    return aws("dynamodb")


@pytest.fixture
def ledger_table(dynamodb: Any) -> str:
    return make_table(dynamodb, "ledger", "claim")


@pytest.fixture
def records_table(dynamodb: Any) -> str:
    return make_table(dynamodb, "records", "item")
