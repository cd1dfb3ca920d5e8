"""How many calls to AWS one image takes, hop by hop. A price list; `make bench` prints it."""

import pytest

from tests.contract.conftest import MakeClient
from tests.lab.bench.pipeline import Hop, Pipeline


@pytest.fixture
def hops(aws: MakeClient) -> list[Hop]:
    return Pipeline(aws).send(1)


def test_a_healthy_image_takes_five_hops_and_so_many_calls(hops: list[Hop]) -> None:
    """The five of the protocol in each step that makes or tells: claim, settle, the run's check
    (but where a verdict is told), and the announcement. The rest is the work itself.
    """
    assert [(hop.service, hop.event, hop.calls.total()) for hop in hops] == [
        ("resize", "image.uploaded.v1", 9),
        ("analyze", "image.resized.v1", 12),
        ("store", "image.resized.v1", 5),
        ("store", "image.analyzed.v1", 9),
        ("notify", "image.completed.v1", 3),
    ]


def test_resize_reads_the_original_once_and_writes_each_rendition_once(hops: list[Hop]) -> None:
    """No look whether it is there, nor how large it is, before it is read."""
    assert hops[0].calls == {
        "GetObject": 1,
        "PutObject": 4,
        "UpdateItem": 2,
        "GetItem": 1,
        "Publish": 1,
    }
