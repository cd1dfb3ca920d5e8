"""Whose images a caller sees, over the real table and index: the API's own code, told who asks.

Checking tokens is API Gateway's part, which no emulator plays: what it would put into the request
is given here.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.api.callers import Access, Caller, identified
from services.api.records import DynamoRecords
from services.api.routes import Door
from services.api.steps import Steps
from services.api.uploads import S3Signer
from shared.bus import SnsBus
from shared.objects import S3Objects
from tests.e2e.stack import DEADLINE, Stack

ANN, BOB = f"ann-{time.time_ns()}", f"bob-{time.time_ns()}"


class Api:
    """The deployed API's parts, where people sign in."""

    def __init__(self, stack: Stack) -> None:
        where = stack.outputs
        s3, buckets = stack.client("s3"), where.buckets
        steps = Steps(
            records=DynamoRecords(stack.client("dynamodb"), where.table, where.tables["ledger"]),
            processed=S3Objects(s3, buckets["processed"]),
            signer=S3Signer(s3, buckets["uploads"], buckets["processed"], None, 300, 900),
            bus=SnsBus(stack.client("sns"), where.topics["events"]),
            now=lambda: datetime.now(UTC),
            new_image=lambda: str(uuid4()),
            upload_expires=300,
            max_bytes=50_000_000,
        )
        self.door = Door(lambda: steps, _signed_in, None)

    def ask(self, sub: str, method: str, path: str, **query: str) -> tuple[int, Any]:
        event = {
            "httpMethod": method,
            "path": path,
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
            "headers": {},
            "multiValueHeaders": {},
            "body": None,
            "isBase64Encoded": False,
            "requestContext": {"requestId": "r", "authorizer": {"claims": {"sub": sub}}},
        }
        answered = self.door.answer(event, None)
        return answered["statusCode"], json.loads(answered["body"])

    def images(self, sub: str, **query: str) -> list[str]:
        return [item["image"] for item in self.ask(sub, "GET", "/results", **query)[1]["items"]]


def _signed_in(event: Mapping[str, Any]) -> Caller:
    return identified(event, Access.COGNITO, None)


@pytest.fixture(scope="module")
def api(ministack: Stack) -> Api:
    return Api(ministack)


@pytest.fixture(scope="module")
def images(ministack: Stack, api: Api, cat: Path) -> dict[str, str]:
    """The same cat, twice: one is Ann's and one is Bob's."""
    found = {}
    with ministack.listening() as listener:
        for owner in (ANN, BOB):
            key = f"owners/{owner}.jpg"
            ministack.upload(key, cat.read_bytes(), owner=owner)
            found[owner] = listener.hear(key)[key]["image"]
    end = time.monotonic() + DEADLINE
    while not all(api.images(owner, label="Cat") for owner in found):  # the index lags
        assert time.monotonic() < end
        time.sleep(0.3)
    return found


@pytest.mark.parametrize("query", [{}, {"label": "Cat"}, {"status": "completed"}])
def test_each_lists_and_finds_their_own(
    api: Api, images: dict[str, str], query: dict[str, str]
) -> None:
    for owner, image in images.items():
        assert api.images(owner, **query) == [image]


def test_every_label_of_an_image_finds_it_for_its_owner(api: Api, images: dict[str, str]) -> None:
    labels = [each["name"] for each in api.ask(ANN, "GET", "/labels")[1]["labels"]]
    assert "Cat" in labels
    assert [api.images(ANN, label=label) for label in labels] == [[images[ANN]]] * len(labels)


@pytest.mark.parametrize(
    ("method", "way"),
    [("GET", ""), ("GET", "/analysis"), ("GET", "/similar"), ("POST", "/release"), ("DELETE", "")],
)
def test_anothers_is_not_there(api: Api, images: dict[str, str], method: str, way: str) -> None:
    status, said = api.ask(BOB, method, f"/results/{images[ANN]}{way}")
    assert (status, said["code"]) == (404, "unknown-image")


def test_the_same_picture_of_another_is_no_near_duplicate(api: Api, images: dict[str, str]) -> None:
    assert api.ask(ANN, "GET", f"/results/{images[ANN]}/similar") == (200, {"items": []})


def test_an_owner_deletes_their_own_and_no_other(
    ministack: Stack, api: Api, images: dict[str, str]
) -> None:
    assert api.ask(ANN, "DELETE", f"/results/{images[ANN]}")[0] == 202
    ministack.wait_until_idle()
    assert api.ask(ANN, "GET", f"/results/{images[ANN]}")[1]["code"] == "image-deleted"
    assert api.ask(BOB, "GET", f"/results/{images[ANN]}")[1]["code"] == "unknown-image"
    assert api.ask(BOB, "GET", f"/results/{images[BOB]}")[1]["status"] == "completed"
