"""The page is built when its sources changed, published whole, and missed by nobody else."""

import json
from pathlib import Path

import boto3
import moto
import pytest

from infra.clients import Clients
from infra.errors import InfraError
from infra.local import commands, page
from tests.unit.local.fakes import OUTPUTS

API = "http://localhost:4566/_aws/execute-api/abc/local"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of one file whose build is told of, and does nothing else."""
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "index.html").write_text("one")
    (folder / "package-lock.json").write_text("{}")
    monkeypatch.setattr(page, "SOURCES", folder)
    monkeypatch.setattr(page, "BUILT", tmp_path / "page")
    return folder


@pytest.fixture
def runs(sources: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each command that was run for the build, in short."""
    done: list[str] = []

    def run(command: tuple[str, ...], node: page.Node, complaint: str) -> None:
        done.append(command[-1])
        for folder in (page.BUILT, sources / "node_modules"):
            folder.mkdir(exist_ok=True)
        (page.BUILT / "index.html").write_text("built")

    monkeypatch.setattr(page, "_run", run)
    monkeypatch.setattr(page, "_node", lambda say: page.Node(Path("node"), ("npm",)))
    return done


def test_it_is_built_once_for_the_same_sources(runs: list[str]) -> None:
    for _ in range(2):
        page.build(print)
    assert runs == ["ci", "build"]


def test_it_is_built_anew_when_a_source_changed_and_not_when_a_package_did(
    sources: Path, runs: list[str]
) -> None:
    page.build(print)
    (sources / "node_modules" / "package.js").write_text("other")
    page.build(print)
    assert runs.count("build") == 1
    (sources / "index.html").write_text("two")
    page.build(print)
    assert runs.count("build") == 2


def test_it_is_published_whole_with_its_configuration_for_everybody_to_read(
    tmp_path: Path,
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("1")
    with moto.mock_aws():
        address = page.publish(tmp_path, API, OUTPUTS, Clients(None, "us-east-1"))
        page.publish(tmp_path, API, OUTPUTS, Clients(None, "us-east-1"))
        s3 = boto3.client("s3", region_name="us-east-1")
        bucket = "darkroom-local-page"
        script = s3.get_object(Bucket=bucket, Key="assets/app-1a2b.js")
        start = s3.get_object(Bucket=bucket, Key="index.html")
        told = json.load(s3.get_object(Bucket=bucket, Key="config.json")["Body"])
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert address == "http://localhost:4566/darkroom-local-page/index.html"
    assert (told["api"], told["stage"]) == (API, "local")
    assert script["ContentType"] in ("text/javascript", "application/javascript")
    assert "immutable" in script["CacheControl"]
    assert (start["ContentType"], start["CacheControl"]) == ("text/html", "no-cache")
    assert policy["Statement"][0]["Action"] == "s3:GetObject"


def test_without_a_page_everything_else_works_and_it_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(say: object) -> Path:
        raise InfraError("there is no Node.js")

    monkeypatch.setattr(commands, "build", refuses)
    assert commands._page(OUTPUTS, Clients(None, "us-east-1")) == "none: there is no Node.js"
