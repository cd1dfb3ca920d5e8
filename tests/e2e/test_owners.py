"""Which images a caller sees: the API's code over the emulator's table and index.

No emulator checks tokens as API Gateway does. So these tests set the request context themselves.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.api.callers import Access, Caller, identify
from services.api.commands import Commands
from services.api.queries import Queries
from services.api.records import DynamoTables
from services.api.routes import HttpApi
from services.api.uploads import S3Signer
from shared.bus import SnsBus
from shared.objects import S3Objects
from tests.e2e.stack import DEADLINE, Stack

ANN, BOB = f"ann-{time.time_ns()}", f"bob-{time.time_ns()}"


class Api:
    """The API on the deployed resources, with signed-in users."""

    def __init__(self, stack: Stack) -> None:
        outputs = stack.outputs
        s3, buckets = stack.client("s3"), outputs.buckets
        records = DynamoTables(stack.client("dynamodb"), outputs.table, outputs.tables["ledger"])
        signer = S3Signer(s3, buckets["uploads"], buckets["processed"], None, 300, 900)
        queries = Queries(
            records=records,
            processed=S3Objects(s3, buckets["processed"]),
            signer=signer,
            now=lambda: datetime.now(UTC),
        )
        commands = Commands(
            records=records,
            signer=signer,
            bus=SnsBus(stack.client("sns"), outputs.topics["events"]),
            now=lambda: datetime.now(UTC),
            new_image=lambda: str(uuid4()),
            upload_expires=300,
            max_bytes=50_000_000,
        )
        self.http = HttpApi(lambda: queries, lambda: commands, _caller, None)

    def request(self, sub: str, method: str, path: str, **query: str) -> tuple[int, Any]:
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
        response = self.http.answer(event, None)
        return response["statusCode"], json.loads(response["body"])

    def images(self, sub: str, **query: str) -> list[str]:
        return [item["image"] for item in self.request(sub, "GET", "/results", **query)[1]["items"]]


def _caller(event: Mapping[str, Any]) -> Caller:
    return identify(event, Access.COGNITO, None)


@pytest.fixture(scope="module")
def api(ministack: Stack) -> Api:
    return Api(ministack)


@pytest.fixture(scope="module")
def images(ministack: Stack, api: Api, cat: Path) -> dict[str, str]:
    """The same photo uploaded by Ann and by Bob: image ids by owner."""
    images = {}
    with ministack.listening() as listener:
        for owner in (ANN, BOB):
            key = f"owners/{owner}.jpg"
            ministack.upload(key, cat.read_bytes(), owner=owner)
            images[owner] = listener.notification(key)["image"]
    end = time.monotonic() + DEADLINE
    while not all(api.images(owner, label="Cat") for owner in images):  # the index lags
        assert time.monotonic() < end
        time.sleep(0.3)
    return images


@pytest.mark.parametrize("query", [{}, {"label": "Cat"}, {"status": "completed"}])
def test_users_list_and_find_their_own_images(
    api: Api, images: dict[str, str], query: dict[str, str]
) -> None:
    for owner, image in images.items():
        assert api.images(owner, **query) == [image]


def test_an_owner_finds_an_image_by_each_of_its_labels(api: Api, images: dict[str, str]) -> None:
    labels = [label["name"] for label in api.request(ANN, "GET", "/labels")[1]["labels"]]
    assert "Cat" in labels
    assert [api.images(ANN, label=label) for label in labels] == [[images[ANN]]] * len(labels)


@pytest.mark.parametrize(
    ("method", "suffix"),
    [("GET", ""), ("GET", "/analysis"), ("GET", "/similar"), ("POST", "/release"), ("DELETE", "")],
)
def test_another_owners_image_is_not_found(
    api: Api, images: dict[str, str], method: str, suffix: str
) -> None:
    status, body = api.request(BOB, method, f"/results/{images[ANN]}{suffix}")
    assert (status, body["code"]) == (404, "image-not-found")


def test_another_owners_copy_is_no_near_duplicate(api: Api, images: dict[str, str]) -> None:
    assert api.request(ANN, "GET", f"/results/{images[ANN]}/similar") == (200, {"items": []})


def test_an_owner_deletes_their_own_image_only(
    ministack: Stack, api: Api, images: dict[str, str]
) -> None:
    assert api.request(ANN, "DELETE", f"/results/{images[ANN]}")[0] == 202
    ministack.wait_until_idle()
    assert api.request(ANN, "GET", f"/results/{images[ANN]}")[1]["code"] == "image-deleted"
    assert api.request(BOB, "GET", f"/results/{images[ANN]}")[1]["code"] == "image-not-found"
    assert api.request(BOB, "GET", f"/results/{images[BOB]}")[1]["status"] == "completed"
