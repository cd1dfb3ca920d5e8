"""AWS as moto plays it inside the process: no socket, no server, gone after the test."""

from collections.abc import Callable, Iterator
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
    """Makes clients of this test's own AWS."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield lambda service: boto3.client(service, region_name=REGION)


def make_table(client: Any, name: str, sort_key: str) -> str:
    """A table as the stack makes it: an image's items in one partition."""
    stage = Stage.load("local")
    made = next(
        found["Properties"]
        for found in tables(stage).values()
        if found["Properties"]["KeySchema"][1]["AttributeName"] == sort_key
    )
    told = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    client.create_table(TableName=name, **{part: made[part] for part in told if part in made})
    return name


@pytest.fixture
def dynamodb(aws: MakeClient) -> Any:
    return aws("dynamodb")


@pytest.fixture
def ledger_table(dynamodb: Any) -> str:
    return make_table(dynamodb, "ledger", "claim")


@pytest.fixture
def records_table(dynamodb: Any) -> str:
    return make_table(dynamodb, "records", "item")
