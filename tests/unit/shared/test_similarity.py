"""The similarity of two images, and the bands in which similar images meet."""

from array import array
from base64 import b64encode
from math import acos, pi
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.images import Embedding, Fingerprint
from shared.contracts.search_index import Features
from shared.similarity import (
    EMBEDDING_BAND,
    EMBEDDING_BANDS,
    MIN_COSINE,
    Kind,
    Match,
    cosine,
    distance,
    embedding_bands,
    hash_bands,
    ranked,
)

LENGTH = 256
HASHES = st.integers(0, 2**64 - 1)
VECTORS = st.binary(min_size=LENGTH, max_size=LENGTH)


def fingerprint(bits: int = 0) -> Fingerprint:
    return Fingerprint(hash=f"{bits:016x}")


def embedding(vector: bytes = bytes(range(LENGTH)), model: str = "titan") -> Embedding:
    return Embedding(model=model, vector=b64encode(vector).decode())


EMBEDDINGS = st.builds(embedding, VECTORS)


@given(HASHES, st.sets(st.integers(0, 63), max_size=3))
def test_hashes_that_differ_in_three_bits_share_a_band(bits: int, flipped: set[int]) -> None:
    other = bits
    for place in flipped:
        other ^= 1 << place
    bands = zip(hash_bands(fingerprint(bits)), hash_bands(fingerprint(other)), strict=True)
    assert any(one == same for one, same in bands)
    assert distance(fingerprint(bits), fingerprint(other)) == len(flipped)


@given(HASHES, EMBEDDINGS)
def test_an_image_has_four_hash_bands_and_ten_embedding_bands(bits: int, seen: Embedding) -> None:
    assert [len(band) for band in hash_bands(fingerprint(bits))] == [4] * 4
    assert [len(band) for band in embedding_bands(seen)] == [3] * 10


def test_the_planes_never_change() -> None:
    """Entries that were written under a band years ago must be found there."""
    assert embedding_bands(embedding()) == (
        *("317", "1c7", "3e3", "26a", "30e"),
        *("384", "2f5", "15d", "253", "271"),
    )


def at_an_angle(cosine: float, random: Random) -> tuple[Embedding, Embedding]:
    """Two random directions with this cosine between them, to the precision of bytes."""
    one, other = ([random.gauss(0, 1) for _ in range(LENGTH)] for _ in range(2))
    mixed = [cosine * a + (1 - cosine**2) ** 0.5 * b for a, b in zip(one, other, strict=True)]
    return _embedding(one), _embedding(mixed)


def _embedding(numbers: list[float]) -> Embedding:
    most = max(map(abs, numbers))
    return embedding(array("b", (round(127 * n / most) for n in numbers)).tobytes())


@pytest.mark.slow
@pytest.mark.parametrize("cosine_of_pair", [0.95, 0.9, 0.8, 0.2])
def test_embeddings_share_a_band_with_the_calculated_probability(cosine_of_pair: float) -> None:
    random, count = Random(1), 300
    pairs = [at_an_angle(cosine_of_pair, random) for _ in range(count)]
    together = sum(
        any(a == b for a, b in zip(embedding_bands(one), embedding_bands(other), strict=True))
        for one, other in pairs
    )
    same_side = 1 - acos(cosine_of_pair) / pi
    expected = 1 - (1 - same_side**EMBEDDING_BAND) ** EMBEDDING_BANDS
    deviation = (count * expected * (1 - expected)) ** 0.5
    assert together == pytest.approx(count * expected, abs=4 * deviation)


@given(EMBEDDINGS, EMBEDDINGS)
def test_a_cosine_is_symmetric_and_between_0_and_1(one: Embedding, other: Embedding) -> None:
    assert 0 <= cosine(one, other) <= 1
    assert cosine(one, other) == cosine(other, one)


def test_an_embedding_of_zeros_is_similar_to_nothing() -> None:
    blank = embedding(bytes(LENGTH))
    assert cosine(blank, blank) == 0.0
    assert cosine(blank, embedding()) == 0.0


def test_embeddings_of_two_models_are_not_compared() -> None:
    assert cosine(embedding(), embedding()) == pytest.approx(1)
    assert cosine(embedding(), embedding(model="another")) == 0.0


def features(bits: int | None, vector: bytes | None) -> Features:
    return Features(
        fingerprint=None if bits is None else fingerprint(bits),
        embedding=None if vector is None else embedding(vector),
    )


FAR = 2**64 - 1
SAME = bytes(range(LENGTH))
TURNED = bytes(range(1, LENGTH)) + b"\0"
OPPOSITE = bytes(-n % 256 for n in range(LENGTH))


def test_near_duplicates_come_first_and_then_the_highest_scores() -> None:
    others = {
        "c": features(FAR, SAME),
        "b": features(0b111, None),
        "a": features(0b1, OPPOSITE),
        "d": features(FAR, TURNED),
        "e": features(FAR, OPPOSITE),
    }
    matches = ranked(features(0, SAME), others)
    assert [match.image for match in matches] == ["a", "b", "c", "d"]
    assert matches[0] == Match("a", Kind.NEAR_DUPLICATE, 63 / 64)
    assert matches[2].kind is Kind.SIMILAR
    assert MIN_COSINE < matches[3].score < matches[2].score


def test_equal_matches_are_in_the_order_of_their_ids() -> None:
    same = features(0, SAME)
    assert [match.image for match in ranked(same, {"b": same, "a": same})] == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other", "kinds"),
    [
        (features(0, None), features(0, SAME), ["near-duplicate"]),
        (features(None, SAME), features(0, SAME), ["similar"]),
        (features(0, SAME), features(None, None), []),
        (features(None, None), features(None, None), []),
    ],
)
def test_missing_features_are_not_compared(
    one: Features, other: Features, kinds: list[str]
) -> None:
    assert [match.kind for match in ranked(one, {"other": other})] == kinds
