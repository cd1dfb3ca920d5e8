"""How alike two pictures are, and under which lists those that might be are found. Pure.

Nothing like "the nearest of a million" can be asked of a table. So the bits of a picture are cut
into bands, each a list: what shares one list is compared, and nothing else is read.
"""

from array import array
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import shake_256
from math import sqrt
from operator import mul

from shared.contracts.images import Embedding, Fingerprint
from shared.contracts.record import Run
from shared.contracts.search_index import Features

HASH_BITS = 64
HASH_BAND = 16
"""Bits. Two hashes that differ in up to three places share one of four bands for certain."""

EMBEDDING_BANDS = 10
EMBEDDING_BAND = 10
"""Bits, each a side of a random plane. Two embeddings at an angle of a lie on the same side of one
with a chance of 1 - a/π (Charikar, "Similarity estimation techniques from rounding algorithms",
2002), so they share one of the bands with 1 - (1 - (1 - a/π)^10)^10: of croppings with a cosine of
0.95, 0.99 are found; of 0.9, 0.91; of 0.8, 0.65. Unrelated photos, with 0.2, share each band with
0.003, so of 100,000 pictures a list has some 300.
"""

NEAR = 10
"""Bits that the hashes of near-duplicates differ in, at most: unrelated ones differ in 32, give or
take 4 (a fair coin's standard deviation over 64 throws), so by chance one pair in some ten million.
"""

ALIKE = 0.75
"""The cosine from which embeddings are called alike, measured with the local network: of 105 pairs
of photos of other things the most alike, portraits in dark suits, have 0.66; of 120 pairs of a
photo and itself smaller, compressed, grey, mirrored, turned, or without a fifth of its sides, the
least alike have 0.78. docs/accuracy.md counts it. Titan's cosines were never measured.
"""


class Kind(StrEnum):
    """Why two pictures are called similar."""

    NEAR_DUPLICATE = "near-duplicate"
    """The same picture in another size, compression or exposure."""
    SIMILAR = "similar"
    """Another picture of the like, or another part of the same one, as a network sees it."""


@dataclass(frozen=True)
class Match:
    """One similar picture; ``score`` is from 0 to 1, and 1 only for what looks just the same."""

    image: str
    kind: Kind
    score: float


def features_of(run: Run) -> Features:
    """What is known of the picture so far to compare it by."""
    return Features(
        fingerprint=run.resized.fingerprint if run.resized else None,
        embedding=run.analyzed.embedding if run.analyzed else None,
    )


def hash_bands(fingerprint: Fingerprint) -> tuple[str, ...]:
    """The hash in four pieces of four hex digits; near-duplicates mostly share one."""
    digits = HASH_BAND // 4
    return tuple(fingerprint.hash[n : n + digits] for n in range(0, HASH_BITS // 4, digits))


def embedding_bands(embedding: Embedding) -> tuple[str, ...]:
    """On which side of fixed random planes the embedding lies, ten planes to a band."""
    numbers = _numbers(embedding)
    sides = "".join("01"[_dot(numbers, plane) > 0] for plane in _planes(len(numbers)))
    bands = (sides[n : n + EMBEDDING_BAND] for n in range(0, len(sides), EMBEDDING_BAND))
    return tuple(f"{int(band, 2):03x}" for band in bands)


def ranked(features: Features, others: Mapping[str, Features]) -> list[Match]:
    """Those of the other images that are similar: near-duplicates first, then the most alike.

    Of equals, in the order of their ids: the same question has the same answer.
    """
    found = [match for image, other in others.items() if (match := _match(features, image, other))]
    return sorted(found, key=lambda m: (m.kind is not Kind.NEAR_DUPLICATE, -m.score, m.image))


def _match(features: Features, image: str, other: Features) -> Match | None:
    differing = distance(features.fingerprint, other.fingerprint)
    if differing <= NEAR:
        return Match(image, Kind.NEAR_DUPLICATE, 1 - differing / HASH_BITS)
    score = cosine(features.embedding, other.embedding)
    return Match(image, Kind.SIMILAR, score) if score >= ALIKE else None


def distance(one: Fingerprint | None, other: Fingerprint | None) -> int:
    """In how many of 64 places the hashes differ; in all, where one is missing."""
    if one is None or other is None:
        return HASH_BITS
    return (int(one.hash, 16) ^ int(other.hash, 16)).bit_count()


def cosine(one: Embedding | None, other: Embedding | None) -> float:
    """Of the angle between two embeddings, from 0 to 1; 0 unless both are of the same model."""
    if one is None or other is None or one.model != other.model:
        return 0.0
    a, b = _numbers(one), _numbers(other)
    lengths = sqrt(_dot(a, a) * _dot(b, b))
    return min(1.0, max(0.0, _dot(a, b) / lengths)) if lengths else 0.0


def _numbers(embedding: Embedding) -> Sequence[int]:
    return array("b", b64decode(embedding.vector))


def _dot(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(map(mul, one, other))


@cache
def _planes(dimensions: int) -> tuple[tuple[int, ...], ...]:
    """Random planes through 0, the same for ever: they come from a digest, not from a generator
    whose numbers another version of Python may draw otherwise.
    """
    return tuple(_plane(n, dimensions) for n in range(EMBEDDING_BANDS * EMBEDDING_BAND))


def _plane(n: int, dimensions: int) -> tuple[int, ...]:
    stream = shake_256(f"plane {n}".encode()).digest(dimensions)
    return tuple(1 if byte & 1 else -1 for byte in stream)
