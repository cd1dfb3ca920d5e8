"""Requests as HTTP: uploads, bodies, methods, origins and failures."""

import json
from typing import Any

import pytest

from shared.errors import Throttled, TransientError
from tests.unit.api.conftest import IMAGE, ORIGIN, Api

CAT = {"fileName": "cat.jpg", "fileType": "image/jpeg", "fileSize": 1000}


def upload(api: Api, **change: Any) -> tuple[int, dict[str, Any]]:
    return api.request("POST", "/upload-url", json.dumps(CAT | change))


def test_an_uploads_key_contains_the_images_id(api: Api) -> None:
    status, body = upload(api)
    (presigned,) = body["uploads"]
    assert (status, presigned["image"]) == (201, IMAGE)
    assert presigned["key"] == f"uploads/{IMAGE}/cat.jpg"
    assert presigned["expires"] == "2026-11-21T10:05:00Z"


def test_one_request_presigns_several_files(api: Api) -> None:
    status, body = api.request("POST", "/upload-url", json.dumps({"files": [CAT, CAT]}))
    assert (status, len(body["uploads"])) == (201, 2)


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
def test_an_invalid_file_is_refused_with_a_reason(api: Api, change: dict[str, Any]) -> None:
    status, body = upload(api, **change)
    assert status == 400
    assert body["errors"] or body["code"] == "file-too-large"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("[" * 60_000, 400, "invalid-json"),
        ("1" * 5000, 400, "invalid-json"),
        ('{"fileName": "\\ud800"}', 400, "invalid-json"),
        ("{", 400, "invalid-json"),
        ('"' + "x" * 70_000 + '"', 413, "request-too-large"),
        ("[]", 400, "invalid-request"),
        ("null", 400, "invalid-request"),
        (json.dumps({"files": [CAT] * 51}), 400, "invalid-request"),
        (json.dumps({"files": []}), 400, "invalid-request"),
    ],
)
def test_an_unreadable_body_is_refused(api: Api, text: str, status: int, code: str) -> None:
    answered, body = api.request("POST", "/upload-url", text)
    assert (answered, body["code"], body["status"]) == (status, code, status)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]
)
def test_only_json_is_accepted(api: Api, media_type: str) -> None:
    status, body = api.request("POST", "/upload-url", "a=b", headers={"Content-Type": media_type})
    assert (status, body["code"]) == (415, "unsupported-media-type")


def test_an_error_names_the_field_of_the_model_that_was_sent(api: Api) -> None:
    _, body = upload(api, fileSize=0)
    assert [error["location"] for error in body["errors"]] == ["body.file.fileSize"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nope"),
        ("PUT", "/nope"),
        ("GET", "/results/\x84"),
        ("GET", "/results/../labels"),
        ("GET", "/%2e%2e"),
    ],
)
def test_an_unknown_path_is_answered_with_a_problem_document(
    api: Api, method: str, path: str
) -> None:
    response = api.respond(method, path)
    assert response["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    assert response["statusCode"] in (400, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PATCH", f"/results/{IMAGE}", "DELETE, GET"), ("PUT", "/upload-url", "POST")],
)
def test_a_method_that_is_not_allowed_is_answered_with_the_allowed_ones(
    api: Api, method: str, path: str, allowed: str
) -> None:
    response = api.respond(method, path)
    assert response["statusCode"] == 405
    assert response["multiValueHeaders"]["Allow"] == [allowed]
    assert json.loads(response["body"])["code"] == "method-not-allowed"


def test_every_response_has_the_requests_id(api: Api) -> None:
    for path in ("/health", "/nope", "/results/x"):
        assert api.respond("GET", path)["multiValueHeaders"]["x-request-id"] == ["r1"]
    assert api.request("GET", "/nope")[1]["requestId"] == "r1"


@pytest.mark.parametrize("body", [None, "{"])
def test_only_the_pages_origin_may_read_responses_and_refusals(api: Api, body: str | None) -> None:
    name = "Access-Control-Allow-Origin"
    ours = api.respond("POST", "/upload-url", body, headers={"Origin": ORIGIN})
    others = api.respond("POST", "/upload-url", body, headers={"Origin": "https://evil.example"})
    assert ours["multiValueHeaders"][name] == [ORIGIN]
    assert name not in others["multiValueHeaders"]


def test_a_preflight_request_is_answered(api: Api) -> None:
    response = api.respond("OPTIONS", "/results", headers={"Origin": ORIGIN})
    assert response["statusCode"] == 204
    assert "DELETE" in response["multiValueHeaders"]["Access-Control-Allow-Methods"][0]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Throttled("throttled", "slow down"), 503, "throttled"),
        (TransientError("unavailable", "down"), 503, "unavailable"),
        (RuntimeError("a bug"), 500, "internal-error"),
    ],
)
def test_an_internal_failure_is_a_problem_that_does_not_reveal_its_cause(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fail(_: str) -> None:
        raise error

    monkeypatch.setattr(api.tables, "record", fail)
    answered, body = api.request("GET", f"/results/{IMAGE}")
    assert (answered, body["code"]) == (status, code)
    assert str(error) not in body["detail"]
