"""When the page is built, and how it is published. The real build is tested in tests/web."""

import json
from pathlib import Path

import boto3
import moto
import pytest

from infra.cli import local as commands
from infra.clients import Clients
from infra.deploy import page
from infra.errors import InfraError
from infra.local.page import publish
from tests.unit.local.fakes import OUTPUTS

API = "http://localhost:4566/_aws/execute-api/abc/local"


@pytest.fixture
def builds(monkeypatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """The build commands that were run; each writes a page. The sources are in tmp_path/web."""
    commands = []

    def run(command, *_):
        commands.append(command)
        page.BUILT.mkdir(exist_ok=True)
        (page.BUILT / "index.html").touch()

    (tmp_path / "web" / "node_modules").mkdir(parents=True)
    (tmp_path / "web" / "index.html").write_text("as it was")
    monkeypatch.setattr(page, "SOURCES", tmp_path / "web")
    monkeypatch.setattr(page, "BUILT", tmp_path / "page")
    monkeypatch.setattr(page, "STAMP", tmp_path / "page.sha256")
    monkeypatch.setattr(page, "prepared", lambda _: page.Node(Path("node"), ()))
    monkeypatch.setattr(page, "_run", run)
    return commands


def test_a_page_is_not_rebuilt_if_its_sources_are_unchanged(builds):
    for _ in range(2):
        page.build(print)
        (page.SOURCES / "node_modules" / "a cache").touch()
    assert len(builds) == 1


def test_a_page_is_rebuilt_when_a_source_changes_or_is_renamed(builds):
    page.build(print)
    source = page.SOURCES / "index.html"
    source.write_text("as it is")
    page.build(print)
    source.rename(page.SOURCES / "other.html")
    page.build(print)
    assert len(builds) == 3


def test_a_page_without_an_index_is_rebuilt(builds):
    page.build(print)
    (page.BUILT / "index.html").unlink()
    page.build(print)
    assert len(builds) == 2


def test_a_page_is_rebuilt_after_a_failed_build_of_other_sources(builds, monkeypatch):
    page.build(print)
    before = (page.SOURCES / "index.html").read_text()
    (page.SOURCES / "index.html").write_text("broken")
    with monkeypatch.context() as failing:
        failing.setattr(page, "_run", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            page.build(print)
    (page.SOURCES / "index.html").write_text(before)
    page.build(print)
    assert len(builds) == 2


def test_the_page_and_its_configuration_are_published_and_readable_by_everyone(
    tmp_path: Path,
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("1")
    with moto.mock_aws():
        address = publish(tmp_path, API, OUTPUTS, Clients(None, "us-east-1"))
        publish(tmp_path, API, OUTPUTS, Clients(None, "us-east-1"))
        s3 = boto3.client("s3", region_name="us-east-1")
        bucket = "darkroom-local-page"
        script = s3.get_object(Bucket=bucket, Key="assets/app-1a2b.js")
        start = s3.get_object(Bucket=bucket, Key="index.html")
        configuration = json.load(s3.get_object(Bucket=bucket, Key="config.json")["Body"])
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert address == "http://localhost:4566/darkroom-local-page/index.html"
    assert (configuration["api"], configuration["stage"]) == (API, "local")
    assert script["ContentType"] in ("text/javascript", "application/javascript")
    assert "immutable" in script["CacheControl"]
    assert (start["ContentType"], start["CacheControl"]) == ("text/html", "no-cache")
    assert policy["Statement"][0]["Action"] == "s3:GetObject"


def test_a_page_that_cannot_be_built_is_reported_and_not_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(say: object) -> Path:
        raise InfraError("there is no Node.js")

    monkeypatch.setattr(commands, "build", refuses)
    assert commands._page(OUTPUTS, Clients(None, "us-east-1")) == "none: there is no Node.js"
