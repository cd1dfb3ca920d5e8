"""Fixtures: a running local Rekognition, boto3 clients, and a validator of response shapes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.client import Config

from infra.rekognition import models
from infra.rekognition.networks import Networks
from infra.rekognition.operations import build_services, live_services
from infra.rekognition.packages import ModelsError
from infra.rekognition.server import Server
from infra.rekognition.services import Services
from infra.rekognition.sources import Sources
from tests.lab.accuracy.pages import drawn
from tests.optional import missing

PHOTOS = Path(__file__).with_name("photos")
MORE_PHOTOS = Path(__file__).parents[2] / "lab" / "accuracy" / "photos"
SAMPLES = Path(__file__).parents[3] / "infra" / "local" / "samples"


HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the real models are slow: they fetch 185 MB once, and each process loads them."""
    for item in items:
        if item.path.parent == HERE and "weights" in item.fixturenames:
            item.add_marker(pytest.mark.slow)


@contextmanager
def serving(service: Services) -> Iterator[str]:
    with Server(("127.0.0.1", 0), service) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join(60)


def connect(url: str, service: str = "rekognition") -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=120),
    )


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of the real weights. Without them CI fails; elsewhere the test is skipped."""
    directory = models.default_directory()
    try:
        models.ensure(directory, print)
    except ModelsError as error:
        missing("weights", str(error))
    return directory


@pytest.fixture(scope="session")
def live_url(weights: Path) -> Iterator[str]:
    with serving(live_services(Networks(weights, threads=1), Sources())) as url:
        yield url


@pytest.fixture(scope="session")
def client(live_url: str) -> Any:
    return connect(live_url)


@pytest.fixture(scope="session")
def bedrock(live_url: str) -> Any:
    return connect(live_url, "bedrock-runtime")


@pytest.fixture
def echo_url() -> Iterator[str]:
    """A server whose DetectLabels returns the size of the image. It needs no model."""

    def handle(parameters):
        return {"Labels": [], "LabelModelVersion": str(len(parameters["Image"]["Bytes"]))}

    with serving(build_services({"DetectLabels": handle})) as url:
        yield url


@pytest.fixture(scope="session")
def cat() -> bytes:
    return (SAMPLES / "cat.jpg").read_bytes()


@pytest.fixture(scope="session")
def coffee() -> bytes:
    return (PHOTOS / "coffee.jpg").read_bytes()


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """A photo with one smiling face, and text on the sleeve that is too small to read."""
    return (MORE_PHOTOS / "astronaut.jpg").read_bytes()


@pytest.fixture(scope="session")
def two_people() -> bytes:
    return (MORE_PHOTOS / "two-people.jpg").read_bytes()


NOTE = """
Dear Ms Okonkwo,
questions? Write to orders@example.com
Kind regards, J. Smith
"""


@pytest.fixture(scope="session")
def note() -> bytes:
    """NOTE as a drawn picture."""
    return drawn("note", NOTE, size=26).content


@pytest.fixture(scope="session")
def note_lines() -> list[str]:
    return NOTE.strip().split("\n")


@pytest.fixture(scope="session")
def shape_errors() -> Callable[[str, dict[str, Any]], list[str]]:
    """A function that lists where a response differs from botocore's output shape."""
    service = botocore.session.get_session().get_service_model("rekognition")

    def errors(operation: str, response: dict[str, Any]) -> list[str]:
        body = {name: value for name, value in response.items() if name != "ResponseMetadata"}
        return list(_errors(service.operation_model(operation).output_shape, body, operation))

    return errors


PYTHON_TYPES = {
    "structure": dict,
    "list": list,
    "string": str,
    "float": float,
    "integer": int,
    "boolean": bool,
}


def _errors(shape, value, path):
    limits = shape.metadata
    if type(value) is not PYTHON_TYPES[shape.type_name]:
        yield f"{path} is {type(value).__name__}"
    elif shape.type_name == "structure":
        for name, member in value.items():
            if name in shape.members:
                yield from _errors(shape.members[name], member, f"{path}.{name}")
            else:
                yield f"{path}.{name} is unknown"
    elif shape.type_name == "list":
        for member in value:
            yield from _errors(shape.member, member, f"{path}[]")
    elif not _within(limits, value):
        yield f"{path} is {value}"
    elif path.rpartition(".")[2] in RATIOS and not 0 <= value <= 1:
        yield f"{path} is {value}, which is not a ratio"


RATIOS = {"Left", "Top", "Width", "Height"}


def _within(limits, value):
    if isinstance(value, str):
        return value in limits.get("enum", [value])
    return limits.get("min", -inf) <= value <= limits.get("max", inf)
