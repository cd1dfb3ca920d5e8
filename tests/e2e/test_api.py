"""The deployed HTTP API: the page's requests, and generated ones."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from tests.e2e.stack import DEADLINE, Stack
from tests.pictures import encoded

ROCKET = Path(__file__).parents[1] / "lab" / "accuracy" / "photos" / "rocket.jpg"

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
EXAMPLES = 10
"""Generated requests per operation, besides those with boundary values; a minute in total."""


class Api:
    """A client of the deployed API."""

    def __init__(self, stack: Stack) -> None:
        self.base = stack.outputs.addresses["api"]

    def request(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        response = requests.request(method, self.base + path, timeout=DEADLINE, **options)
        assert response.headers["x-request-id"]
        return response.status_code, response.json()

    def upload(self, path: Path, name: str, owner: str) -> tuple[dict[str, Any], bytes]:
        """The presigned upload of a file, and the file's content."""
        return self.presign(path.read_bytes(), name, owner)

    def presign(self, content: bytes, name: str, owner: str) -> tuple[dict[str, Any], bytes]:
        file = {
            "fileName": name,
            "fileType": "image/jpeg",
            "fileSize": len(content),
            "owner": owner,
        }
        status, body = self.request("POST", "/upload-url", json=file)
        assert status == 201, body
        return body["uploads"][0], content

    def wait_for(self, path: str, condition: Callable[[int, Any], bool]) -> Any:
        """The body of the first response whose status and body meet the condition."""
        end = time.monotonic() + DEADLINE
        while not condition(*(response := self.request("GET", path))):
            assert time.monotonic() < end, response
            time.sleep(0.3)
        return response[1]


@pytest.fixture(params=["ministack", "localstack"])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    stack = request.getfixturevalue(request.param)
    yield stack
    stack.wait_until_idle()  # otherwise the next listener receives the event of this deletion


def post(form: dict[str, Any], body: bytes, **change: str) -> int:
    fields = form["fields"] | change
    response = requests.post(form["url"], data=fields, files={"file": body}, timeout=DEADLINE)
    return response.status_code


def ended(status: int, body: Any) -> bool:
    return status == 200 and body["status"] != "processing"


def test_a_photo_is_uploaded_found_and_deleted(stack: Stack, cat: Path) -> None:
    api = Api(stack)
    upload, body = api.upload(cat, "a cat.jpg", owner=f"api-{time.time_ns()}")
    path = f"/results/{upload['image']}"
    assert api.request("GET", path)[1]["code"] == "image-not-found"
    assert post(upload["post"], body) == 204
    detail = api.wait_for(path, ended)
    assert (detail["status"], detail["name"]) == ("completed", "a-cat.jpg")
    assert {hop["service"] for hop in detail["timeline"]} >= {"resize", "analyze", "store"}
    picture = requests.get(detail["thumbnail"]["url"], timeout=DEADLINE)
    assert picture.content[:2] == b"\xff\xd8"
    results = api.wait_for(
        f"/results?owner={detail['owner']}&label=Cat", lambda _, body: len(body["items"]) == 1
    )
    assert results["items"][0]["labels"] == detail["labels"][:5]
    assert "Cat" in [label["name"] for label in api.request("GET", "/labels")[1]["labels"]]
    assert api.request("GET", f"{path}/analysis")[1]["image"] == upload["image"]
    assert api.request("DELETE", path)[0] == 202
    assert api.wait_for(path, lambda status, _: status == 410)["code"] == "image-deleted"
    api.wait_for(f"/results?owner={detail['owner']}", lambda _, body: not body["items"])


def test_the_commands_of_the_api_page_work(ministack: Stack) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    (lines,) = (block for block in page.split("```") if 'curl "$API/results' in block)
    script = "\n".join(line for line in lines.splitlines()[1:] if not line.startswith("API="))
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", script.replace("curl ", "curl -sS --fail ")],
        env=os.environ | {"API": Api(ministack).base},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert [name in done.stdout for name in ('"items"', '"labels"', '"uploads"')] == [True] * 3


def test_two_copies_of_a_photo_are_near_duplicates(ministack: Stack, cat: Path) -> None:
    api = Api(ministack)
    images = []
    for name in ("one.jpg", "two.jpg"):
        upload, body = api.upload(cat, name, owner="twins")
        response = requests.put(
            upload["put"]["url"], data=body, headers=upload["put"]["headers"], timeout=DEADLINE
        )
        assert response.status_code == 200
        api.wait_for(f"/results/{upload['image']}", ended)
        images.append(upload["image"])
    similar = api.wait_for(
        f"/results/{images[0]}/similar",
        lambda _, body: images[1] in [item["image"] for item in body["items"]],
    )
    assert similar["items"][0]["kind"] == "near-duplicate"


def test_two_croppings_of_a_photo_are_similar_and_another_photo_is_not(
    ministack: Stack, cat: Path
) -> None:
    api = Api(ministack)
    photo = Image.open(cat)
    width, height = photo.size
    left, right = (0, 0, width * 3 // 4, height), (width // 4, 0, width, height)
    bodies = [encoded(photo.crop(box), "JPEG") for box in (left, right)] + [ROCKET.read_bytes()]
    images = [put(api, body, f"{n}.jpg", owner="croppings") for n, body in enumerate(bodies)]
    similar = api.wait_for(
        f"/results/{images[0]}/similar",
        lambda _, body: images[1] in [item["image"] for item in body["items"]],
    )
    kinds = {item["image"]: item["kind"] for item in similar["items"]}
    assert kinds[images[1]] == "similar"
    assert images[2] not in kinds
    assert api.request("GET", f"/results/{images[2]}/similar")[1] == {"items": []}


def put(api: Api, body: bytes, name: str, owner: str) -> str:
    """Upload a photo and wait until it has completed; the image's id."""
    upload, _ = api.presign(body, name, owner)
    url, headers = upload["put"]["url"], upload["put"]["headers"]
    assert requests.put(url, data=body, headers=headers, timeout=DEADLINE).status_code == 200
    assert api.wait_for(f"/results/{upload['image']}", ended)["status"] == "completed"
    return str(upload["image"])


def test_an_upload_must_match_its_presigned_request(ministack: Stack, cat: Path) -> None:
    """On MiniStack only: LocalStack does not check signatures."""
    upload, body = Api(ministack).upload(cat, "strict.jpg", owner="strict")
    assert post(upload["post"], body + b"x") == 400
    assert post(upload["post"], body, **{"Content-Type": "text/html"}) == 403
    assert post(upload["post"], body, key="uploads/elsewhere") == 403
    put, headers = upload["put"]["url"], upload["put"]["headers"]
    longer = requests.put(put, data=body + b"x", headers=headers, timeout=DEADLINE)
    assert longer.status_code == 403
    assert requests.put(put, data=body, headers=headers, timeout=DEADLINE).status_code == 200
    again = requests.put(put, data=body, headers=headers, timeout=DEADLINE)
    assert again.status_code == 412
    ministack.wait_until_idle()


def test_generated_requests_get_documented_responses_only(ministack: Stack, tmp_path: Path) -> None:
    base = ministack.outputs.addresses["api"]
    arguments = ["run", f"{base}/openapi.json", "--url", base, "--max-examples", str(EXAMPLES)]
    checks = ["--checks", f"{CHECKS},response_schema_conformance", "--phases", "coverage,fuzzing"]
    command = [Path(sys.executable).with_name("schemathesis"), *arguments, *checks]
    done = subprocess.run(
        [*command, "--seed", "1", "--no-color"],
        cwd=tmp_path,  # it writes a cache there
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    ministack.wait_until_idle()
    assert json.loads(requests.get(f"{base}/health", timeout=DEADLINE).text) == {"status": "ok"}
