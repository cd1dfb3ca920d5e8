"""The door, deployed: the same steps that the page takes, and a stranger's requests."""

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
"""Of each operation, beside those at the edges of every parameter: a minute in all."""


class Api:
    def __init__(self, stack: Stack) -> None:
        self.base = stack.outputs.addresses["api"]

    def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        answer = requests.request(method, self.base + path, timeout=DEADLINE, **more)
        assert answer.headers["x-request-id"]
        return answer.status_code, answer.json()

    def upload(self, path: Path, name: str, owner: str) -> tuple[dict[str, Any], bytes]:
        """What was handed out, and what to send."""
        return self.offer(path.read_bytes(), name, owner)

    def offer(self, body: bytes, name: str, owner: str) -> tuple[dict[str, Any], bytes]:
        wanted = {
            "fileName": name,
            "fileType": "image/jpeg",
            "fileSize": len(body),
            "owner": owner,
        }
        status, said = self.ask("POST", "/upload-url", json=wanted)
        assert status == 201, said
        return said["uploads"][0], body

    def until(self, path: str, done: Callable[[int, Any], bool]) -> Any:
        end = time.monotonic() + DEADLINE
        while not done(*(seen := self.ask("GET", path))):
            assert time.monotonic() < end, seen
            time.sleep(0.3)
        return seen[1]


@pytest.fixture(params=["ministack", "localstack"])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    stack = request.getfixturevalue(request.param)
    yield stack
    stack.wait_until_idle()  # or the next to listen hears of this one's deletion


def post(form: dict[str, Any], body: bytes, **change: str) -> int:
    fields = form["fields"] | change
    sent = requests.post(form["url"], data=fields, files={"file": body}, timeout=DEADLINE)
    return sent.status_code


def ended(status: int, said: Any) -> bool:
    return status == 200 and said["status"] != "working"


def test_a_photo_goes_in_is_found_and_goes_again(stack: Stack, cat: Path) -> None:
    api = Api(stack)
    upload, body = api.upload(cat, "a cat.jpg", owner=f"door-{time.time_ns()}")
    path = f"/results/{upload['image']}"
    assert api.ask("GET", path)[1]["code"] == "unknown-image"
    assert post(upload["post"], body) == 204
    shown = api.until(path, ended)
    assert (shown["status"], shown["name"]) == ("completed", "a-cat.jpg")
    assert {hop["service"] for hop in shown["timeline"]} >= {"resize", "analyze", "store"}
    picture = requests.get(shown["thumbnail"]["url"], timeout=DEADLINE)
    assert picture.content[:2] == b"\xff\xd8"
    listed = api.until(
        f"/results?owner={shown['owner']}&label=Cat", lambda _, said: len(said["items"]) == 1
    )
    assert listed["items"][0]["labels"] == shown["labels"][:5]
    assert "Cat" in [each["name"] for each in api.ask("GET", "/labels")[1]["labels"]]
    assert api.ask("GET", f"{path}/analysis")[1]["image"] == upload["image"]
    assert api.ask("DELETE", path)[0] == 202
    assert api.until(path, lambda status, _: status == 410)["code"] == "image-deleted"
    api.until(f"/results?owner={shown['owner']}", lambda _, said: not said["items"])


def test_the_lines_of_the_api_page_work_as_they_are_printed(ministack: Stack) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    (lines,) = (block for block in page.split("```") if 'curl "$API/results' in block)
    typed = "\n".join(line for line in lines.splitlines()[1:] if not line.startswith("API="))
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", typed.replace("curl ", "curl -sS --fail ")],
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
        sent = requests.put(
            upload["put"]["url"], data=body, headers=upload["put"]["headers"], timeout=DEADLINE
        )
        assert sent.status_code == 200
        api.until(f"/results/{upload['image']}", ended)
        images.append(upload["image"])
    similar = api.until(
        f"/results/{images[0]}/similar",
        lambda _, said: images[1] in [each["image"] for each in said["items"]],
    )
    assert similar["items"][0]["kind"] == "near-duplicate"


def test_two_croppings_of_a_photo_look_alike_and_another_photo_does_not(
    ministack: Stack, cat: Path
) -> None:
    api = Api(ministack)
    photo = Image.open(cat)
    width, height = photo.size
    left, right = (0, 0, width * 3 // 4, height), (width // 4, 0, width, height)
    bodies = [encoded(photo.crop(box), "JPEG") for box in (left, right)] + [ROCKET.read_bytes()]
    images = [put(api, body, f"{n}.jpg", owner="croppings") for n, body in enumerate(bodies)]
    similar = api.until(
        f"/results/{images[0]}/similar",
        lambda _, said: images[1] in [each["image"] for each in said["items"]],
    )
    kinds = {each["image"]: each["kind"] for each in similar["items"]}
    assert kinds[images[1]] == "similar"
    assert images[2] not in kinds
    assert api.ask("GET", f"/results/{images[2]}/similar")[1] == {"items": []}


def put(api: Api, body: bytes, name: str, owner: str) -> str:
    """Upload it and wait for its end; the image's id."""
    upload, _ = api.offer(body, name, owner)
    where, headers = upload["put"]["url"], upload["put"]["headers"]
    assert requests.put(where, data=body, headers=headers, timeout=DEADLINE).status_code == 200
    assert api.until(f"/results/{upload['image']}", ended)["status"] == "completed"
    return str(upload["image"])


def test_an_upload_cannot_be_another_than_was_asked_for(ministack: Stack, cat: Path) -> None:
    """MiniStack alone checks what was signed; LocalStack takes anything."""
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


def test_strangers_meet_no_failure_and_no_answer_that_is_not_documented(
    ministack: Stack, tmp_path: Path
) -> None:
    base = ministack.outputs.addresses["api"]
    words = ["run", f"{base}/openapi.json", "--url", base, "--max-examples", str(EXAMPLES)]
    more = ["--checks", f"{CHECKS},response_schema_conformance", "--phases", "coverage,fuzzing"]
    program = [Path(sys.executable).with_name("schemathesis"), *words, *more]
    done = subprocess.run(
        [*program, "--seed", "1", "--no-color"],
        cwd=tmp_path,  # it keeps notes of what it found
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    ministack.wait_until_idle()
    assert json.loads(requests.get(f"{base}/health", timeout=DEADLINE).text) == {"status": "ok"}
