"""With the trimmed data, botocore creates the same clients as with all data."""

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
def trimmed_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, content in trimmed(DATA, SERVICES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@cache
def loader(data: Path) -> Loader:
    """A loader of botocore that parses each file once for all tests."""
    return Loader(extra_search_paths=[str(data)], include_default_search_paths=False)


def client(service: str, region: str, data: Path = DATA) -> Any:
    session = Session()
    session.register_component("data_loader", loader(data))
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return session.create_client(service, region_name=region, **credentials)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_a_client_has_the_same_endpoint_and_operations(
    trimmed_data: Path, service: str, region: str
) -> None:
    small, full = client(service, region, trimmed_data), client(service, region)
    assert small.meta.endpoint_url == full.meta.endpoint_url
    assert small.meta.service_model.operation_names == full.meta.service_model.operation_names


def test_a_paginator_is_the_same(trimmed_data: Path) -> None:
    small, full = client("s3", "us-east-1", trimmed_data), client("s3", "us-east-1")
    pages = [each.get_paginator("list_objects_v2") for each in (small, full)]
    assert pages[0].result_keys[0].expression == pages[1].result_keys[0].expression


def test_the_trimmed_data_has_no_documentation() -> None:
    (content,) = [
        content for name, content in trimmed(DATA, ["sqs"]) if name.endswith("service-2.json")
    ]
    assert b'"documentation":""' in content
    assert b"<p>" not in content


def test_the_trimmed_data_has_no_other_services() -> None:
    names = {name.partition("/")[0] for name, _ in trimmed(DATA, ["sqs"]) if "/" in name}
    endpoints = json.loads(dict(trimmed(DATA, ["sqs"]))["endpoints.json"])
    assert names == {"sqs"}
    assert {name for each in endpoints["partitions"] for name in each["services"]} == {"sqs"}


@pytest.mark.parametrize("definition", definitions(), ids=lambda each: each.name)
def test_a_service_has_clients_for_all_its_iam_actions(definition: Any) -> None:
    """IAM actions start with the signing name of the service, which is in botocore's data."""
    called = services_called([*SHARED, *definition.folder.rglob("*.py")])
    signed = {client(service, "us-east-1").meta.service_model.signing_name for service in called}
    allowed = {action.partition(":")[0] for allow in definition.allow for action in allow.actions}
    assert allowed <= signed


def test_a_client_of_a_variable_service_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "handler.py"
    source.write_text("\nqueue = client(kind)\n")
    with pytest.raises(InfraError, match=r"handler\.py:2: client\(\) needs the service"):
        services_called([source])


def test_an_unknown_service_is_named() -> None:
    with pytest.raises(InfraError, match="no service called sqss"):
        list(trimmed(DATA, ["sqss"]))
