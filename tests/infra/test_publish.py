"""Publishing the page of a stage that has one."""

import json

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from infra.deploy import publish
from tests.infra.fakes import FakeClients

OUTPUTS = {
    "PageBucket": "darkroom-dev-page-123456789012",
    "PageDistribution": "E1ABCDEF",
    "PageAddress": "https://d1.cloudfront.net/",
    "ApiAddress": "https://api.example.org/dev",
}
SIGN_IN = {"SignInAddress": "https://x", "SignInClient": "abc", "SignInScope": "openid all"}


class Order:
    """S3's client that remembers what was put, in order."""

    def __init__(self, s3) -> None:
        self.s3 = s3
        self.put = []

    def __getattr__(self, name):
        return getattr(self.s3, name)

    def put_object(self, **asked):
        self.put.append(asked["Key"])
        return self.s3.put_object(**asked)


@pytest.fixture
def built(tmp_path, monkeypatch):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/index-1.js").write_text("1")
    (tmp_path / "index.html").write_text("index-1.js")
    monkeypatch.setattr("infra.deploy.publish.web.build", lambda _: tmp_path)
    return tmp_path


@pytest.fixture
def s3(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        client = boto3.Session(region_name="us-east-1").client("s3")
        client.create_bucket(Bucket=OUTPUTS["PageBucket"])
        yield Order(client)


@pytest.fixture
def page(s3, built, dev, said):
    """Publish the page, and what CloudFront was asked to forget."""

    def page(outputs=OUTPUTS):
        cloudfront = boto3.Session("x", "y", region_name="us-east-1").client("cloudfront")
        with Stubber(cloudfront) as aws:
            aws.add_response("create_invalidation", {})
            asked = []
            cloudfront.meta.events.register(
                "provide-client-params.cloudfront.*", lambda params, **_: asked.append(params)
            )
            clients = FakeClients(s3=s3, cloudfront=cloudfront)
            publish.page(outputs, dev, clients, said.append)
        return asked[0]

    return page


def test_a_stage_without_a_page_publishes_none(dev, said):
    publish.page({"ApiAddress": "https://x"}, dev, FakeClients(), said.append)
    assert said == []


def test_the_page_that_names_the_others_comes_last(page, s3, said):
    page()
    assert s3.put == ["assets/index-1.js", "config.json", "index.html"]
    assert said == ["the page is published: https://d1.cloudfront.net/"]


def test_unchanged_files_are_not_uploaded_again(page, s3, built, said):
    page()
    s3.put.clear()
    page()
    assert (s3.put, said[-1]) == ([], "the page is up to date: https://d1.cloudfront.net/")
    (built / "index.html").write_text("index-2.js")
    page()
    assert s3.put == ["index.html"]


def test_only_files_with_a_content_hash_are_cached_by_browsers(page, s3):
    page()
    kept = {
        key: s3.head_object(Bucket=OUTPUTS["PageBucket"], Key=key)["CacheControl"]
        for key in ("assets/index-1.js", "index.html", "config.json")
    }
    assert "immutable" in kept.pop("assets/index-1.js")
    assert set(kept.values()) == {"no-cache"}


def test_each_content_is_invalidated_once(page, built):
    first, again = page(), page()
    (built / "index.html").write_text("index-2.js")
    other = page()
    references = [each["InvalidationBatch"]["CallerReference"] for each in (first, again, other)]
    assert references[0] == references[1] != references[2]
    assert first["DistributionId"] == "E1ABCDEF"
    assert first["InvalidationBatch"]["Paths"] == {"Quantity": 1, "Items": ["/*"]}


def test_the_pages_configuration_has_its_api_and_sign_in(page, s3):
    page(OUTPUTS | SIGN_IN)
    found = s3.get_object(Bucket=OUTPUTS["PageBucket"], Key="config.json")["Body"].read()
    said = json.loads(found)
    assert (said["api"], said["stage"]) == ("https://api.example.org/dev", "dev")
    assert said["signIn"] == {
        "address": "https://x",
        "client": "abc",
        "scope": "openid all",
        "redirect": "https://d1.cloudfront.net/",
    }
