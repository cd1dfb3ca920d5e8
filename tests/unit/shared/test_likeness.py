"""How alike two pictures are, and under which lists they are found: arithmetic alone."""

from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.images import Likeness
from shared.likeness import Kind, Match, cosine, distance, hash_bands, look_bands, ranked

HASHES = st.integers(0, 2**64 - 1)
LOOKS = st.binary(min_size=112, max_size=112)


def likeness(bits: int = 0, look: bytes = bytes(range(112))) -> Likeness:
    return Likeness(hash=f"{bits:016x}", look=b64encode(look).decode())


LIKENESSES = st.builds(likeness, HASHES, LOOKS)


@given(HASHES, st.sets(st.integers(0, 63), max_size=3))
def test_hashes_that_differ_in_three_bits_share_a_band(bits: int, flipped: set[int]) -> None:
    other = bits
    for place in flipped:
        other ^= 1 << place
    bands = zip(hash_bands(likeness(bits)), hash_bands(likeness(other)), strict=True)
    assert any(one == same for one, same in bands)
    assert distance(likeness(bits), likeness(other)) == len(flipped)


@given(LIKENESSES)
def test_a_picture_is_in_four_bands_by_its_hash_and_in_six_by_its_look(one: Likeness) -> None:
    assert [len(band) for band in hash_bands(one)] == [4] * 4
    assert [len(band) for band in look_bands(one)] == [3] * 6


def test_the_planes_are_the_same_for_ever() -> None:
    """What was listed under a band years ago has to be found there."""
    assert look_bands(likeness()) == ("05a", "25b", "2be", "3d6", "108", "1a0")


@given(LIKENESSES, LIKENESSES)
def test_a_score_is_between_0_and_1_and_the_same_both_ways(one: Likeness, other: Likeness) -> None:
    assert 0 <= cosine(one, other) <= 1.000001
    assert cosine(one, other) == cosine(other, one)


def test_a_picture_without_any_feature_is_like_nothing() -> None:
    blank = likeness(look=bytes([128] * 112))
    assert cosine(blank, blank) == 0.0
    assert cosine(blank, likeness()) == 0.0


def test_near_duplicates_come_first_then_the_most_alike() -> None:
    other = bytes(range(1, 112)) + b"\0"
    others = {
        "c": likeness(2**64 - 1),
        "b": likeness(0b111),
        "a": likeness(0b1),
        "d": likeness(2**64 - 1, other),
        "e": likeness(2**64 - 1, bytes(reversed(range(112)))),
    }
    found = ranked(likeness(), others)
    assert [match.image for match in found] == ["a", "b", "c", "d"]
    assert found[0] == Match("a", Kind.NEAR_DUPLICATE, 63 / 64)
    assert found[2].kind is Kind.LOOK_ALIKE
    assert found[3].score < found[2].score


def test_of_equals_the_order_is_that_of_their_ids() -> None:
    assert [match.image for match in ranked(likeness(), {"b": likeness(), "a": likeness()})] == [
        "a",
        "b",
    ]
