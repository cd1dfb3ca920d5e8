"""A running local Rekognition, real clients for it, and a checker of answers' shapes."""

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

from infra.rekognition import bench, models
from infra.rekognition.networks import Networks
from infra.rekognition.operations import looking, offering
from infra.rekognition.packages import ModelsError
from infra.rekognition.server import Server
from infra.rekognition.services import Services
from infra.rekognition.sources import Sources
from tests.lab.accuracy.pages import drawn
from tests.optional import missing

PHOTOS = Path(__file__).with_name("photos")
MORE_PHOTOS = Path(__file__).parents[2] / "lab" / "accuracy" / "photos"
SAMPLES = Path(__file__).parents[3] / "infra" / "local" / "samples"


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
    """The real weights, through the cache; without a network only CI insists on them."""
    directory = models.default_directory()
    try:
        models.ensure(directory, print)
    except ModelsError as error:
        missing("weights", str(error))
    return directory


@pytest.fixture(scope="session")
def looking_url(weights: Path) -> Iterator[str]:
    with serving(looking(Networks(weights, threads=1), Sources())) as url:
        yield url


@pytest.fixture(scope="session")
def client(looking_url: str) -> Any:
    return connect(looking_url)


@pytest.fixture(scope="session")
def bedrock(looking_url: str) -> Any:
    return connect(looking_url, "bedrock-runtime")


@pytest.fixture
def echo_url() -> Iterator[str]:
    """A server whose DetectLabels says how many bytes the image has: no model is needed."""

    def perform(parameters):
        return {"Labels": [], "LabelModelVersion": str(len(parameters["Image"]["Bytes"]))}

    with serving(offering({"DetectLabels": perform})) as url:
        yield url


@pytest.fixture(scope="session")
def cat() -> bytes:
    return (SAMPLES / "cat.jpg").read_bytes()


@pytest.fixture(scope="session")
def coffee() -> bytes:
    return (PHOTOS / "coffee.jpg").read_bytes()


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """One face, smiling; a patch on the sleeve too small to read."""
    return bench.PORTRAIT.read_bytes()


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
    """NOTE, drawn."""
    return drawn("note", NOTE, size=26).content


@pytest.fixture(scope="session")
def note_lines() -> list[str]:
    return NOTE.strip().split("\n")


@pytest.fixture(scope="session")
def fits() -> Callable[[str, dict[str, Any]], list[str]]:
    """What of an answer does not fit botocore's own output shape of the operation."""
    service = botocore.session.get_session().get_service_model("rekognition")

    def misfits(operation: str, answer: dict[str, Any]) -> list[str]:
        body = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        return list(_misfits(service.operation_model(operation).output_shape, body, operation))

    return misfits


KINDS = {
    "structure": dict,
    "list": list,
    "string": str,
    "float": float,
    "integer": int,
    "boolean": bool,
}


def _misfits(shape, value, where):
    limits = shape.metadata
    if type(value) is not KINDS[shape.type_name]:
        yield f"{where} is {type(value).__name__}"
    elif shape.type_name == "structure":
        for name, each in value.items():
            if name in shape.members:
                yield from _misfits(shape.members[name], each, f"{where}.{name}")
            else:
                yield f"{where}.{name} is unknown"
    elif shape.type_name == "list":
        for each in value:
            yield from _misfits(shape.member, each, f"{where}[]")
    elif not _within(limits, value):
        yield f"{where} is {value}"
    elif where.rpartition(".")[2] in RATIOS and not 0 <= value <= 1:
        yield f"{where} is {value}, which is no ratio"


RATIOS = {"Left", "Top", "Width", "Height"}


def _within(limits, value):
    if isinstance(value, str):
        return value in limits.get("enum", [value])
    return limits.get("min", -inf) <= value <= limits.get("max", inf)
