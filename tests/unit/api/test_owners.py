"""Which images a caller sees, by the caller that API Gateway identified."""

import json
from typing import Any

import pytest

from services.api.callers import ANYONE, Access
from services.store.logic import Policy
from shared.contracts.images import ReleaseRequested
from tests.contract.samples import ANALYZED, CAT, DELETE_REQUESTED, FINGERPRINT, RESIZED
from tests.unit.api.conftest import IMAGE, OPERATOR_KEY, Api, IndexEntries
from tests.unit.api.test_image import put_record

ANN, BOB = "sub-of-ann", "sub-of-bob"
PATH = f"/results/{CAT}"
MINE = RESIZED.model_copy(update={"owner": ANN, "fingerprint": FINGERPRINT})
CATS = {"fileName": "cat.jpg", "fileType": "image/jpeg", "fileSize": 10}
REPLAY = json.dumps({"force": True})
REQUESTS = [
    ("GET", PATH, None),
    ("GET", f"{PATH}/analysis", None),
    ("GET", f"{PATH}/similar", None),
    ("POST", f"{PATH}/replay", REPLAY),
    ("POST", f"{PATH}/release", None),
    ("DELETE", PATH, None),
]


def sign_in(api: Api, sub: str, *groups: str) -> None:
    """Call as a user whose token the authorizer has checked."""
    claims = {"sub": sub, "username": sub, "token_use": "access", "scope": "darkroom/images"}
    api.access = Access.COGNITO
    api.context = {
        "authorizer": {
            "claims": claims | ({"cognito:groups": ",".join(groups)} if groups else {}),
        }
    }


def use_key(api: Api, key: str) -> None:
    api.access, api.context = Access.KEYS, {"identity": {"apiKeyId": key}}


def names(api: Api, **query: str) -> list[str]:
    status, body = api.request("GET", "/results", query=query)
    assert status == 200, body
    return [item["name"] for item in body["items"]]


def upload(api: Api, **more: str) -> tuple[int, dict[str, Any]]:
    return api.request("POST", "/upload-url", json.dumps(CATS | more))


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_another_owners_image_is_answered_exactly_like_an_unknown_one(
    api: Api, method: str, path: str, body: str | None
) -> None:
    sign_in(api, BOB)
    unknown = api.request(method, path, body)
    put_record(api, MINE, ANALYZED)
    assert unknown[1]["code"] == "image-not-found"
    assert api.request(method, path, body) == unknown
    assert api.bus.published == []


def test_a_deleted_image_of_another_owner_is_unknown_too(api: Api) -> None:
    put_record(api, MINE, ANALYZED, DELETE_REQUESTED)
    sign_in(api, BOB)
    assert api.request("GET", PATH)[0] == 404
    sign_in(api, ANN)
    assert api.request("GET", PATH)[1]["code"] == "image-deleted"


def test_only_operators_see_an_image_without_an_owner(api: Api) -> None:
    put_record(api, RESIZED.model_copy(update={"owner": None}), ANALYZED)
    sign_in(api, ANN)
    assert api.request("GET", PATH)[0] == 404
    sign_in(api, ANN, "operators")
    assert api.request("GET", PATH)[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (("GET", PATH), 200),
        (("GET", f"{PATH}/similar"), 200),
        (("POST", f"{PATH}/replay", REPLAY), 202),
        (("DELETE", PATH), 202),
    ],
)
@pytest.mark.parametrize("user", [(ANN,), ("another-user", "editors", "operators")])
def test_owners_and_operators_are_answered(
    api: Api, user: tuple[str, ...], request_: tuple[str, ...], status: int
) -> None:
    put_record(api, MINE, ANALYZED)
    sign_in(api, *user)
    assert api.request(*request_)[0] == status


def test_an_owner_cannot_release_their_own_image(api: Api) -> None:
    put_record(api, MINE, ANALYZED, policy=Policy.QUARANTINE)
    sign_in(api, ANN)
    status, body = api.request("POST", f"{PATH}/release")
    assert (status, body["code"], api.bus.published) == (403, "operators-only", [])
    sign_in(api, BOB, "operators")
    assert api.request("POST", f"{PATH}/release")[0] == 202
    assert [envelope.data for envelope in api.bus.published] == [ReleaseRequested(image=CAT, run=0)]


def test_a_user_lists_their_own_images_only(api: Api, entry: IndexEntries) -> None:
    api.tables.index["all"] = [entry(n) for n in range(4)]
    api.tables.index[f"owner#{ANN}"] = [entry(n, owner=ANN) for n in (1, 3)]
    sign_in(api, ANN)
    assert names(api) == ["3.jpg", "1.jpg"]
    assert names(api, owner=ANN) == ["3.jpg", "1.jpg"]
    assert names(api, status="completed") == ["3.jpg", "1.jpg"]
    assert names(api, status="failed") == []


def test_a_user_finds_their_images_by_every_label(api: Api, entry: IndexEntries) -> None:
    """The label's partition has the images of all owners, and a summary has five labels only."""
    api.tables.index["label#Sun"] = [entry(9, confidence=99.0)]
    labels = [{"name": "Cat", "confidence": 98.0}, {"name": "Sun", "confidence": 60.0}]
    mine = [entry(1, owner=ANN, all_labels=labels), entry(2, owner=ANN)]
    api.tables.index[f"owner#{ANN}"] = mine
    sign_in(api, ANN)
    assert names(api, label="Sun") == ["1.jpg"]
    assert names(api, label="Sun", minConfidence="61") == []
    assert names(api, label="Cat", minConfidence="52") == ["2.jpg", "1.jpg"]


def test_a_cursor_contains_no_image_of_another_owner(api: Api, entry: IndexEntries) -> None:
    api.tables.index["label#Cat"] = [entry(n, owner=BOB, confidence=90.0) for n in range(50)]
    api.tables.index[f"owner#{ANN}"] = [entry(1, owner=ANN)]
    sign_in(api, ANN)
    body = api.request("GET", "/results", query={"label": "Cat", "limit": "1"})[1]
    assert ([item["name"] for item in body["items"]], body["cursor"]) == (["1.jpg"], None)


def test_only_an_operator_lists_another_owners_images(api: Api, entry: IndexEntries) -> None:
    api.tables.index[f"owner#{BOB}"] = [entry(1, owner=BOB)]
    sign_in(api, ANN)
    status, body = api.request("GET", "/results", query={"owner": BOB})
    assert (status, body["code"]) == (403, "not-owner")
    sign_in(api, ANN, "operators")
    assert names(api, owner=BOB) == ["1.jpg"]


def test_a_cursor_is_valid_for_its_caller_only(api: Api, entry: IndexEntries) -> None:
    for owner in (ANN, BOB):
        api.tables.index[f"owner#{owner}"] = [entry(n, owner=owner) for n in range(2)]
    sign_in(api, ANN)
    cursor = api.request("GET", "/results", query={"limit": "1"})[1]["cursor"]
    sign_in(api, BOB)
    status, body = api.request("GET", "/results", query={"cursor": cursor})
    assert (status, body["code"]) == (400, "invalid-cursor")


def test_a_user_sees_label_counts_of_their_own_images(api: Api, entry: IndexEntries) -> None:
    api.tables.partitions = {"labels/0": [{"item": "label/Secret", "images": 9}]}
    api.tables.index[f"owner#{ANN}"] = [entry(n, owner=ANN) for n in range(3)]
    sign_in(api, ANN)
    assert api.request("GET", "/labels")[1]["labels"] == [{"name": "Cat", "images": 3}]
    sign_in(api, ANN, "operators")
    assert api.request("GET", "/labels")[1]["labels"] == [{"name": "Secret", "images": 9}]


def test_similar_images_are_the_users_own(api: Api, entry: IndexEntries) -> None:
    put_record(api, MINE, ANALYZED)
    alike = {"fingerprint": FINGERPRINT.model_dump()}
    api.tables.index["hash#0#00ff"] = [entry(3, owner=ANN, **alike), entry(4, owner=BOB, **alike)]
    sign_in(api, ANN)
    assert [item["name"] for item in api.request("GET", f"{PATH}/similar")[1]["items"]] == ["3.jpg"]


def test_an_upload_has_its_caller_as_owner(api: Api) -> None:
    sign_in(api, ANN)
    (presigned,) = upload(api)[1]["uploads"]
    assert presigned["post"]["fields"]["x-amz-meta-owner"] == ANN
    assert upload(api, owner=ANN)[0] == 201


def test_only_an_operator_uploads_for_another_owner(api: Api) -> None:
    sign_in(api, ANN)
    assert upload(api, owner=BOB)[1]["code"] == "not-owner"
    sign_in(api, ANN, "operators")
    (presigned,) = upload(api, owner=BOB)[1]["uploads"]
    assert presigned["post"]["fields"]["x-amz-meta-owner"] == BOB


def test_without_authentication_an_upload_may_name_any_owner(api: Api) -> None:
    assert "x-amz-meta-owner" not in upload(api)[1]["uploads"][0]["post"]["fields"]
    named = upload(api, owner="ada")[1]["uploads"][0]
    assert named["post"]["fields"]["x-amz-meta-owner"] == "ada"


def test_an_api_key_sees_the_images_it_uploaded(api: Api) -> None:
    put_record(api, MINE.model_copy(update={"owner": "key-1"}), ANALYZED)
    use_key(api, "key-2")
    assert api.request("GET", PATH)[0] == 404
    for key in ("key-1", OPERATOR_KEY):
        use_key(api, key)
        assert api.request("GET", PATH)[0] == 200


@pytest.mark.parametrize("access", [Access.COGNITO, Access.KEYS])
@pytest.mark.parametrize(
    "context",
    [
        {},
        {"authorizer": None, "identity": None},
        {"authorizer": {"claims": {}}, "identity": {"apiKeyId": None}},
        {"authorizer": {"claims": {"sub": ""}}, "identity": {"apiKeyId": ""}},
        {"authorizer": {"claims": {"cognito:groups": "operators"}}},
    ],
)
@pytest.mark.parametrize("request_", [*REQUESTS, ("GET", "/results")])
def test_a_request_without_an_identified_caller_is_refused(
    api: Api, access: Access, context: dict[str, Any], request_: tuple[str, ...]
) -> None:
    put_record(api, MINE, ANALYZED)
    api.access, api.context = access, context
    status, body = api.request(*request_)
    assert (status, body["code"]) == (401, "unauthenticated")


def test_a_group_with_a_similar_name_is_not_the_operators(api: Api) -> None:
    put_record(api, MINE, ANALYZED)
    sign_in(api, BOB, "former-operators", "operators2")
    assert api.request("GET", PATH)[0] == 404


def test_headers_and_parameters_do_not_make_a_caller_an_operator(api: Api) -> None:
    sign_in(api, BOB)
    put_record(api, MINE, ANALYZED)
    forged = {"x-amz-meta-owner": ANN, "Authorization": "Bearer x", "x-api-key": OPERATOR_KEY}
    assert api.request("GET", PATH, headers=forged, query={"owner": ANN})[0] == 404


def test_anyone_may_check_the_health(api: Api) -> None:
    api.access = Access.COGNITO
    assert api.request("GET", "/health")[0] == 200


def test_an_open_api_needs_no_caller(api: Api) -> None:
    assert api.request("GET", f"/results/{IMAGE}")[0] == 404
    assert ANYONE.sees(None)
    assert ANYONE.sees(ANN)
