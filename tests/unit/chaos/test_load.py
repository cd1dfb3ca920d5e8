"""The pictures that a scenario uploads."""

from hashlib import sha256

from tests.lab.chaos.load import picture
from tests.pictures import opened


def test_pictures_differ_and_have_one_megapixel_at_most() -> None:
    pictures = [picture(n, 1000) for n in range(20)]
    assert len({sha256(body).digest() for body in pictures}) == 20
    for body in pictures:
        width, height = opened(body).size
        assert 250 <= width <= 1000
        assert width * height <= 1_000_000


def test_pictures_have_both_formats_that_are_decoded_in_process() -> None:
    assert {opened(picture(n, 300)).format for n in range(20)} == {"JPEG", "PNG"}
