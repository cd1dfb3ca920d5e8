"""The details of an original are described in words."""

import pytest

from shared.contracts.images import PictureDetails
from shared.picture_facts import picture_facts


@pytest.mark.parametrize(
    ("details", "facts"),
    [
        (None, []),
        (PictureDetails(), []),
        (PictureDetails(hdr=True), ["HDR, tone-mapped to sRGB"]),
        (PictureDetails(gain_map=True), ["gain map dropped"]),
        (PictureDetails(frames=3), []),
        (PictureDetails(animated=True, frames=12, duration=1.2), ["animated, 12 frames, 1.2 s"]),
        (PictureDetails(animated=True, frames=3, duration=0.1 * 3), ["animated, 3 frames, 0.3 s"]),
        (PictureDetails(animated=True, frames=2, duration=90.0), ["animated, 2 frames, 90 s"]),
        (PictureDetails(animated=True, frames=2), ["animated, 2 frames"]),
        (
            PictureDetails(warnings=("missing-end-marker", "bad-checksum")),
            ["warnings: missing-end-marker, bad-checksum"],
        ),
    ],
)
def test_each_detail_has_a_phrase(details: PictureDetails | None, facts: list[str]) -> None:
    assert list(picture_facts(details)) == facts


def test_a_picture_with_several_details_has_them_all_in_a_fixed_order() -> None:
    details = PictureDetails(hdr=True, gain_map=True, animated=True, frames=2, warnings=("w",))
    assert [fact.split()[0] for fact in picture_facts(details)] == [
        "HDR,",
        "gain",
        "animated,",
        "warnings:",
    ]
