"""The number of AWS calls for one image, hop by hop. `make bench` prints them."""

import pytest

from tests.contract.conftest import MakeClient
from tests.lab.bench.pipeline import Hop, Pipeline


@pytest.fixture
def hops(aws: MakeClient) -> list[Hop]:
    return Pipeline(aws).send(1)


def test_a_normal_image_takes_five_hops_and_38_calls(hops: list[Hop]) -> None:
    """The protocol needs at most four a step: acquire and complete the claim, check the run
    (except in a delivery), publish. The other calls do the work of the step.
    """
    assert [(hop.service, hop.event, hop.calls.total()) for hop in hops] == [
        ("resize", "image.uploaded.v1", 9),
        ("analyze", "image.resized.v1", 12),
        ("store", "image.resized.v1", 5),
        ("store", "image.analyzed.v1", 9),
        ("notify", "image.completed.v1", 3),
    ]


def test_resize_reads_the_original_once_and_writes_each_rendition_once(hops: list[Hop]) -> None:
    """It does not check the existence or the size of the original before it reads it."""
    assert hops[0].calls == {
        "GetObject": 1,
        "PutObject": 4,
        "UpdateItem": 2,
        "GetItem": 1,
        "Publish": 1,
    }
