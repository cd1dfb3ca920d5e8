"""What the door lets in, and what it says to all else."""

import json
from typing import Any

import pytest

from shared.errors import Throttled, TransientError
from tests.unit.api.conftest import IMAGE, ORIGIN, Api

CAT = {"fileName": "cat.jpg", "fileType": "image/jpeg", "fileSize": 1000}


def upload(api: Api, **change: Any) -> tuple[int, dict[str, Any]]:
    return api.ask("POST", "/upload-url", json.dumps(CAT | change))


def test_an_upload_has_a_key_that_carries_the_images_id(api: Api) -> None:
    status, said = upload(api)
    (handed_out,) = said["uploads"]
    assert (status, handed_out["image"]) == (201, IMAGE)
    assert handed_out["key"] == f"uploads/{IMAGE}/cat.jpg"
    assert handed_out["expires"] == "2026-11-21T10:05:00Z"


def test_several_files_are_handed_out_in_one_call(api: Api) -> None:
    status, said = api.ask("POST", "/upload-url", json.dumps({"files": [CAT, CAT]}))
    assert (status, len(said["uploads"])) == (201, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"fileName": "../../etc/passwd"},
        {"fileName": "a\\b.jpg"},
        {"fileName": ".."},
        {"fileName": "a\nb.jpg"},
        {"fileName": ""},
        {"fileName": "x" * 256},
        {"fileType": "text/html"},
        {"fileSize": 0},
        {"fileSize": 1001},
        {"fileSize": "12"},
        {"fileSize": float("nan")},
        {"fileSize": 1e400},
        {"owner": "two words"},
        {"bucket": "another"},
    ],
)
def test_a_file_that_nobody_should_upload_is_refused_with_a_reason(
    api: Api, change: dict[str, Any]
) -> None:
    status, said = upload(api, **change)
    assert status == 400
    assert said["errors"] or said["code"] == "too-large"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("[" * 60_000, 400, "not-json"),
        ("1" * 5000, 400, "not-json"),
        ('{"fileName": "\\ud800"}', 400, "not-json"),
        ("{", 400, "not-json"),
        ('"' + "x" * 70_000 + '"', 413, "too-large"),
        ("[]", 400, "invalid"),
        ("null", 400, "invalid"),
        (json.dumps({"files": [CAT] * 51}), 400, "invalid"),
        (json.dumps({"files": []}), 400, "invalid"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_by_its_code(
    api: Api, body: str, status: int, code: str
) -> None:
    answered, said = api.ask("POST", "/upload-url", body)
    assert (answered, said["code"], said["status"]) == (status, code, status)


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]
)
def test_only_json_is_read(api: Api, kind: str) -> None:
    status, said = api.ask("POST", "/upload-url", "a=b", headers={"Content-Type": kind})
    assert (status, said["code"]) == (415, "unsupported-type")


def test_what_is_wrong_is_said_of_what_was_meant(api: Api) -> None:
    _, said = upload(api, fileSize=0)
    assert [wrong["at"] for wrong in said["errors"]] == ["body.file.fileSize"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nope"), ("PUT", "/nope"), ("GET", "/results/../labels"), ("GET", "/%2e%2e")],
)
def test_where_there_is_nothing_a_problem_says_so(api: Api, method: str, path: str) -> None:
    answered = api.raw(method, path)
    assert answered["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    assert answered["statusCode"] in (400, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PATCH", f"/results/{IMAGE}", "DELETE, GET"), ("PUT", "/upload-url", "POST")],
)
def test_a_path_that_does_not_answer_this_method_says_which_it_answers(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answered = api.raw(method, path)
    assert answered["statusCode"] == 405
    assert answered["multiValueHeaders"]["Allow"] == [allowed]
    assert json.loads(answered["body"])["code"] == "no-such-method"


def test_every_answer_names_its_request(api: Api) -> None:
    for path in ("/health", "/nope", "/results/x"):
        assert api.raw("GET", path)["multiValueHeaders"]["x-request-id"] == ["r1"]
    assert api.ask("GET", "/nope")[1]["request_id"] == "r1"


@pytest.mark.parametrize("body", [None, "{"])
def test_the_page_may_read_answers_and_refusals_and_no_other_origin_may(
    api: Api, body: str | None
) -> None:
    name = "Access-Control-Allow-Origin"
    ours = api.raw("POST", "/upload-url", body, headers={"Origin": ORIGIN})
    others = api.raw("POST", "/upload-url", body, headers={"Origin": "https://evil.example"})
    assert ours["multiValueHeaders"][name] == [ORIGIN]
    assert name not in others["multiValueHeaders"]


def test_a_browser_may_ask_first(api: Api) -> None:
    answered = api.raw("OPTIONS", "/results", headers={"Origin": ORIGIN})
    assert answered["statusCode"] == 204
    assert "DELETE" in answered["multiValueHeaders"]["Access-Control-Allow-Methods"][0]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Throttled("throttled", "slow down"), 503, "throttled"),
        (TransientError("unavailable", "down"), 503, "unavailable"),
        (RuntimeError("a bug"), 500, "our-fault"),
    ],
)
def test_a_failure_of_ours_is_a_problem_that_tells_nothing_of_its_cause(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fail(_: str) -> None:
        raise error

    monkeypatch.setattr(api.tables, "record", fail)
    answered, said = api.ask("GET", f"/results/{IMAGE}")
    assert (answered, said["code"]) == (status, code)
    assert str(error) not in said["detail"]
