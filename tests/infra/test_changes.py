"""A change set as AWS describes it, told in plain words."""

import json
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from infra.deploy.changes import Change, Effect, change_lines
from infra.deploy.stack import Stack
from tests.infra.fakes import FakeClients, FakeClock

DESCRIBED = json.loads((Path(__file__).parent / "change_set.json").read_text())
URL = "https://darkroom.s3.eu-west-1.amazonaws.com/template.json"


@pytest.fixture
def proposed(dev, said):
    """The change set of two pages, through boto3, which refuses what is not AWS's shape."""
    client = boto3.Session("x", "y", region_name="eu-west-1").client("cloudformation")
    stack = {"StackName": "darkroom-dev", "CreationTime": 0, "StackStatus": "UPDATE_COMPLETE"}
    pages = DESCRIBED["pages"]
    with Stubber(client) as aws:
        aws.add_response("describe_stacks", {"Stacks": [stack]})
        aws.add_response("create_change_set", {"Id": "arn:aws:x", "StackId": "arn:aws:y"})
        for page in (pages[0], *pages):
            aws.add_response("describe_change_set", page)
        stack = Stack(FakeClients(cloudformation=client), dev, FakeClock().polling())
        yield stack.propose(URL, {"A": "b"}, said.append)


@pytest.fixture
def found(proposed):
    return {one.resource: one for one in proposed.changes}


def test_every_page_is_read_and_the_gravest_comes_last(proposed):
    assert [one.effect for one in proposed.changes] == [
        Effect.CREATE,
        Effect.IMPORT,
        Effect.CHANGE,
        Effect.MAY_REPLACE,
        Effect.REPLACE,
        Effect.REPLACE,
        Effect.DELETE,
        Effect.DELETE,
    ]


def test_what_is_shown_is_the_resource_what_becomes_of_it_and_why(proposed):
    assert change_lines(proposed.changes) == DESCRIBED["lines"]


@pytest.mark.parametrize(
    ("resource", "loses"),
    [
        ("RecordsTable", True),  # replaced, the old one deleted
        ("LedgerTable", False),  # replaced, the old one retained
        ("ProcessedBucket", True),  # deleted
        ("OldTopic", False),  # deleted, but it held nothing
        ("StoreFunction", False),
    ],
)
def test_what_would_lose_data_is_known(found, resource, loses):
    assert found[resource].loses_data is loses


def test_an_action_that_is_new_to_us_is_no_reason_to_fail():
    said = {"Action": "Dynamic", "LogicalResourceId": "X", "ResourceType": "AWS::SQS::Queue"}
    assert Change.of(said).effect is Effect.CHANGE


def test_a_change_of_parameters_alone_is_told():
    assert change_lines(()) == ["total: no resource changes"]
