"""The real signer: what it presigns, and for which host. It needs no AWS."""

from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from services.api.models import File
from services.api.settings import ApiSettings
from services.api.uploads import S3Signer
from services.resize.focal import read_focal
from services.resize.pictures.values import FocalPoint
from shared.aws import presigner
from shared.config import Misconfigured

PAGE = "https://d111.cloudfront.net"
KEY = "renditions/1/0/a b.jpg"


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch):
    """Makes signers for a region, with a role's credentials."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "ASIA",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_SESSION_TOKEN": "t",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    def make(region: str, pictures: str | None) -> S3Signer:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        client = presigner.__wrapped__(None)
        return S3Signer(client, "ours-uploads", "ours-processed", pictures, 300, 900)

    return make


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_links_are_signed_for_the_buckets_host_in_its_region(make, region: str) -> None:
    """The distribution forwards to that host (infra/cloudformation/cloudfront.py)."""
    link = urlsplit(make(region, None).link(KEY))
    assert link.netloc == f"ours-processed.s3.{region}.amazonaws.com"
    assert parse_qs(link.query)["X-Amz-SignedHeaders"] == ["host"]


def test_a_link_through_the_page_has_the_same_path_and_signature(make) -> None:
    direct = urlsplit(make("us-east-1", None).link(KEY))
    through = urlsplit(make("us-east-1", PAGE).link(KEY))
    assert (through.scheme, through.netloc) == ("https", "d111.cloudfront.net")
    assert through.path == direct.path == "/renditions/1/0/a%20b.jpg"
    ours, theirs = parse_qs(through.query), parse_qs(direct.query)
    assert set(ours) == set(theirs)
    assert ours["X-Amz-Credential"] == theirs["X-Amz-Credential"]


def test_a_form_is_signed_for_the_buckets_own_host(make) -> None:
    file = File.model_validate({"fileName": "a", "fileType": "image/png", "fileSize": 9})
    form = make("us-east-1", PAGE).form("uploads/1/a.png", file)
    assert form.url == "https://ours-uploads.s3.us-east-1.amazonaws.com/"


def test_a_focal_point_is_signed_as_metadata_that_resize_reads(make) -> None:
    file = File.model_validate(
        {
            "fileName": "a",
            "fileType": "image/png",
            "fileSize": 9,
            "owner": "ada",
            "focal": {"x": 0.3, "y": 1},
        }
    )
    expected = {"x-amz-meta-owner": "ada", "x-amz-meta-focal": "0.3000,1.0000"}
    signer = make("us-east-1", None)
    assert expected.items() <= signer.form("uploads/1/a.png", file).fields.items()
    put = signer.put("uploads/1/a.png", file)
    assert expected.items() <= put.headers.items()
    signed = parse_qs(urlsplit(put.url).query)["X-Amz-SignedHeaders"][0].split(";")
    assert {*expected} <= {*signed}
    assert read_focal(put.headers["x-amz-meta-focal"]) == FocalPoint(x=0.3, y=1)


def test_a_missing_access_setting_is_an_error() -> None:
    with pytest.raises(Misconfigured, match="ACCESS: Field required"):
        ApiSettings.read({"SERVICE": "api"})
