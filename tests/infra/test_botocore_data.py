"""The data that functions carry makes the clients that the whole of it makes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader
from botocore.session import Session

from infra.config.definitions import ROOT, definitions
from infra.errors import InfraError
from infra.packaging.botocore_data import services_called, trimmed

DATA = Path(botocore.__file__).with_name("data")
SHARED = [*(ROOT / "shared").rglob("*.py")]
SERVICES = sorted(services_called([*SHARED, *(ROOT / "services").rglob("*.py")]))


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, content in trimmed(DATA, SERVICES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@cache
def loader(data: Path) -> Loader:
    """It parses each file once, for all tests."""
    return Loader(extra_search_paths=[str(data)], include_default_search_paths=False)


def client(service: str, region: str, data: Path = DATA) -> Any:
    session = Session()
    session.register_component("data_loader", loader(data))
    secrets = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return session.create_client(service, region_name=region, **secrets)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_a_client_of_what_is_carried_goes_where_any_client_goes(
    carried: Path, service: str, region: str
) -> None:
    ours, whole = client(service, region, carried), client(service, region)
    assert ours.meta.endpoint_url == whole.meta.endpoint_url
    assert ours.meta.service_model.operation_names == whole.meta.service_model.operation_names


def test_pages_are_turned_as_ever(carried: Path) -> None:
    ours, whole = client("s3", "us-east-1", carried), client("s3", "us-east-1")
    pages = [each.get_paginator("list_objects_v2") for each in (ours, whole)]
    assert pages[0].result_keys[0].expression == pages[1].result_keys[0].expression


def test_nothing_carried_is_documentation() -> None:
    (said,) = [what for name, what in trimmed(DATA, ["sqs"]) if name.endswith("service-2.json")]
    assert b'"documentation":""' in said
    assert b"<p>" not in said


def test_other_services_are_not_carried() -> None:
    names = {name.partition("/")[0] for name, _ in trimmed(DATA, ["sqs"]) if "/" in name}
    endpoints = json.loads(dict(trimmed(DATA, ["sqs"]))["endpoints.json"])
    assert names == {"sqs"}
    assert {name for each in endpoints["partitions"] for name in each["services"]} == {"sqs"}


@pytest.mark.parametrize("definition", definitions(), ids=lambda each: each.name)
def test_what_a_service_may_call_is_what_it_has_clients_of(definition: Any) -> None:
    """Rights are given by the name that requests are signed with, which botocore's data says."""
    called = services_called([*SHARED, *definition.folder.rglob("*.py")])
    signed = {client(service, "us-east-1").meta.service_model.signing_name for service in called}
    allowed = {action.partition(":")[0] for allow in definition.allow for action in allow.actions}
    assert allowed <= signed


def test_a_client_of_an_unnamed_service_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "handler.py"
    source.write_text("\nqueue = client(kind)\n")
    with pytest.raises(InfraError, match=r"handler\.py:2: client\(\) wants its service"):
        services_called([source])


def test_a_service_that_botocore_does_not_know_is_named() -> None:
    with pytest.raises(InfraError, match="no service called sqss"):
        list(trimmed(DATA, ["sqss"]))
