"""Whose images a caller sees, by what API Gateway found out about who asks."""

import json
from typing import Any

import pytest

from services.api.callers import ANYONE, Access
from services.store.logic import Policy
from shared.contracts.images import ReleaseRequested
from tests.contract.samples import ANALYZED, CAT, LIKENESS, RESIZED, UNWANTED
from tests.unit.api.conftest import IMAGE, OPERATOR_KEY, Api, IndexEntries
from tests.unit.api.test_image import known

ANN, BOB = "sub-of-ann", "sub-of-bob"
PATH = f"/results/{CAT}"
MINE = RESIZED.model_copy(update={"owner": ANN, "fingerprint": LIKENESS})
CATS = {"fileName": "cat.jpg", "fileType": "image/jpeg", "fileSize": 10}
REPLAY = json.dumps({"force": True})
WAYS = [
    ("GET", PATH, None),
    ("GET", f"{PATH}/analysis", None),
    ("GET", f"{PATH}/similar", None),
    ("POST", f"{PATH}/replay", REPLAY),
    ("POST", f"{PATH}/release", None),
    ("DELETE", PATH, None),
]


def person(api: Api, sub: str, *groups: str) -> None:
    """Ask as somebody whose token the authorizer has checked."""
    claims = {"sub": sub, "username": sub, "token_use": "access", "scope": "darkroom/images"}
    api.access = Access.COGNITO
    api.context = {
        "authorizer": {
            "claims": claims | ({"cognito:groups": ",".join(groups)} if groups else {}),
        }
    }


def program(api: Api, key: str) -> None:
    api.access, api.context = Access.KEYS, {"identity": {"apiKeyId": key}}


def names(api: Api, **query: str) -> list[str]:
    status, said = api.ask("GET", "/results", query=query)
    assert status == 200, said
    return [item["name"] for item in said["items"]]


def upload(api: Api, **more: str) -> tuple[int, dict[str, Any]]:
    return api.ask("POST", "/upload-url", json.dumps(CATS | more))


@pytest.mark.parametrize(("method", "path", "body"), WAYS)
def test_anothers_image_is_answered_word_for_word_as_one_that_is_not_there(
    api: Api, method: str, path: str, body: str | None
) -> None:
    person(api, BOB)
    nobodys = api.ask(method, path, body)
    known(api, MINE, ANALYZED)
    assert nobodys[1]["code"] == "unknown-image"
    assert api.ask(method, path, body) == nobodys
    assert api.bus.published == []


def test_that_an_image_of_another_was_deleted_is_not_told_either(api: Api) -> None:
    known(api, MINE, ANALYZED, UNWANTED)
    person(api, BOB)
    assert api.ask("GET", PATH)[0] == 404
    person(api, ANN)
    assert api.ask("GET", PATH)[1]["code"] == "image-deleted"


def test_an_image_that_nobody_owns_is_the_operators_alone(api: Api) -> None:
    known(api, RESIZED.model_copy(update={"owner": None}), ANALYZED)
    person(api, ANN)
    assert api.ask("GET", PATH)[0] == 404
    person(api, ANN, "operators")
    assert api.ask("GET", PATH)[0] == 200


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (("GET", PATH), 200),
        (("GET", f"{PATH}/similar"), 200),
        (("POST", f"{PATH}/replay", REPLAY), 202),
        (("DELETE", PATH), 202),
    ],
)
@pytest.mark.parametrize("who", [(ANN,), ("somebody-else", "editors", "operators")])
def test_owners_and_operators_are_answered(
    api: Api, who: tuple[str, ...], asked: tuple[str, ...], status: int
) -> None:
    known(api, MINE, ANALYZED)
    person(api, *who)
    assert api.ask(*asked)[0] == status


def test_an_owner_cannot_end_the_quarantine_of_their_own_picture(api: Api) -> None:
    known(api, MINE, ANALYZED, policy=Policy.QUARANTINE)
    person(api, ANN)
    status, said = api.ask("POST", f"{PATH}/release")
    assert (status, said["code"], api.bus.published) == (403, "operators-only", [])
    person(api, BOB, "operators")
    assert api.ask("POST", f"{PATH}/release")[0] == 202
    assert [each.data for each in api.bus.published] == [ReleaseRequested(image=CAT, run=0)]


def test_a_list_is_read_of_ones_own_images_and_of_no_others(api: Api, entry: IndexEntries) -> None:
    api.tables.lists["all"] = [entry(n) for n in range(4)]
    api.tables.lists[f"owner#{ANN}"] = [entry(n, owner=ANN) for n in (1, 3)]
    person(api, ANN)
    assert names(api) == ["3.jpg", "1.jpg"]
    assert names(api, owner=ANN) == ["3.jpg", "1.jpg"]
    assert names(api, status="completed") == ["3.jpg", "1.jpg"]
    assert names(api, status="failed") == []


def test_ones_own_images_are_found_by_every_label_that_they_are_listed_under(
    api: Api, entry: IndexEntries
) -> None:
    """The five that a list shows would not do; and the label's own list is everybody's."""
    api.tables.lists["label#Sun"] = [entry(9, confidence=99.0)]
    found = [{"name": "Cat", "confidence": 98.0}, {"name": "Sun", "confidence": 60.0}]
    mine = [entry(1, owner=ANN, found=found), entry(2, owner=ANN)]
    api.tables.lists[f"owner#{ANN}"] = mine
    person(api, ANN)
    assert names(api, label="Sun") == ["1.jpg"]
    assert names(api, label="Sun", minConfidence="61") == []
    assert names(api, label="Cat", minConfidence="52") == ["2.jpg", "1.jpg"]


def test_no_cursor_stands_at_anothers_image(api: Api, entry: IndexEntries) -> None:
    api.tables.lists["label#Cat"] = [entry(n, owner=BOB, confidence=90.0) for n in range(50)]
    api.tables.lists[f"owner#{ANN}"] = [entry(1, owner=ANN)]
    person(api, ANN)
    said = api.ask("GET", "/results", query={"label": "Cat", "limit": "1"})[1]
    assert ([item["name"] for item in said["items"]], said["cursor"]) == (["1.jpg"], None)


def test_another_owners_list_is_refused_and_an_operators_is_not(
    api: Api, entry: IndexEntries
) -> None:
    api.tables.lists[f"owner#{BOB}"] = [entry(1, owner=BOB)]
    person(api, ANN)
    status, said = api.ask("GET", "/results", query={"owner": BOB})
    assert (status, said["code"]) == (403, "not-yours")
    person(api, ANN, "operators")
    assert names(api, owner=BOB) == ["1.jpg"]


def test_a_cursor_of_one_caller_is_none_for_another(api: Api, entry: IndexEntries) -> None:
    for owner in (ANN, BOB):
        api.tables.lists[f"owner#{owner}"] = [entry(n, owner=owner) for n in range(2)]
    person(api, ANN)
    cursor = api.ask("GET", "/results", query={"limit": "1"})[1]["cursor"]
    person(api, BOB)
    status, said = api.ask("GET", "/results", query={"cursor": cursor})
    assert (status, said["code"]) == (400, "broken-cursor")


def test_labels_are_counted_over_ones_own_images(api: Api, entry: IndexEntries) -> None:
    api.tables.partitions = {"labels/0": [{"item": "label/Secret", "images": 9}]}
    api.tables.lists[f"owner#{ANN}"] = [entry(n, owner=ANN) for n in range(3)]
    person(api, ANN)
    assert api.ask("GET", "/labels")[1]["labels"] == [{"name": "Cat", "images": 3}]
    person(api, ANN, "operators")
    assert api.ask("GET", "/labels")[1]["labels"] == [{"name": "Secret", "images": 9}]


def test_what_looks_alike_is_ones_own(api: Api, entry: IndexEntries) -> None:
    known(api, MINE, ANALYZED)
    alike = {"fingerprint": LIKENESS.model_dump()}
    api.tables.lists["hash#0#00ff"] = [entry(3, owner=ANN, **alike), entry(4, owner=BOB, **alike)]
    person(api, ANN)
    assert [one["name"] for one in api.ask("GET", f"{PATH}/similar")[1]["items"]] == ["3.jpg"]


def test_an_upload_carries_who_asked_for_it(api: Api) -> None:
    person(api, ANN)
    (ticket,) = upload(api)[1]["uploads"]
    assert ticket["post"]["fields"]["x-amz-meta-owner"] == ANN
    assert upload(api, owner=ANN)[0] == 201


def test_nobody_uploads_in_anothers_name_but_an_operator(api: Api) -> None:
    person(api, ANN)
    assert upload(api, owner=BOB)[1]["code"] == "not-yours"
    person(api, ANN, "operators")
    (ticket,) = upload(api, owner=BOB)[1]["uploads"]
    assert ticket["post"]["fields"]["x-amz-meta-owner"] == BOB


def test_where_nobody_signs_in_an_upload_carries_what_it_says(api: Api) -> None:
    assert "x-amz-meta-owner" not in upload(api)[1]["uploads"][0]["post"]["fields"]
    named = upload(api, owner="ada")[1]["uploads"][0]
    assert named["post"]["fields"]["x-amz-meta-owner"] == "ada"


def test_a_key_owns_what_it_uploads(api: Api) -> None:
    known(api, MINE.model_copy(update={"owner": "key-1"}), ANALYZED)
    program(api, "key-2")
    assert api.ask("GET", PATH)[0] == 404
    for key in ("key-1", OPERATOR_KEY):
        program(api, key)
        assert api.ask("GET", PATH)[0] == 200


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
@pytest.mark.parametrize("asked", [*WAYS, ("GET", "/results")])
def test_whom_the_gateway_does_not_name_is_let_nowhere(
    api: Api, access: Access, context: dict[str, Any], asked: tuple[str, ...]
) -> None:
    known(api, MINE, ANALYZED)
    api.access, api.context = access, context
    status, said = api.ask(*asked)
    assert (status, said["code"]) == (401, "not-signed-in")


def test_a_group_whose_name_only_holds_the_word_is_another(api: Api) -> None:
    known(api, MINE, ANALYZED)
    person(api, BOB, "former-operators", "operators2")
    assert api.ask("GET", PATH)[0] == 404


def test_headers_and_parameters_make_nobody_an_operator(api: Api) -> None:
    person(api, BOB)
    known(api, MINE, ANALYZED)
    forged = {"x-amz-meta-owner": ANN, "Authorization": "Bearer x", "x-api-key": OPERATOR_KEY}
    assert api.ask("GET", PATH, headers=forged, query={"owner": ANN})[0] == 404


def test_health_is_told_to_anyone(api: Api) -> None:
    api.access = Access.COGNITO
    assert api.ask("GET", "/health")[0] == 200


def test_an_open_door_asks_nobody(api: Api) -> None:
    assert api.ask("GET", f"/results/{IMAGE}")[0] == 404
    assert ANYONE.sees(None)
    assert ANYONE.sees(ANN)
