"""The similarity of two images, and the bands under which similar images are indexed. Pure.

A DynamoDB table has no nearest-neighbour query. So the bits of an image are cut into bands, and
each band is a partition of the search index. Images that share a partition are compared; others are
not read (locality-sensitive hashing).
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
"""Bits. Two hashes that differ in up to three bits share at least one of four bands."""

EMBEDDING_BANDS = 10
EMBEDDING_BAND = 10
"""Bits; each is the side of a random plane on which the embedding lies.

Two embeddings at an angle a are on the same side of a plane with probability 1 - a/π (Charikar,
"Similarity estimation techniques from rounding algorithms", 2002). They share at least one band
with probability 1 - (1 - (1 - a/π)^10)^10: 0.99 for a cosine of 0.95, 0.91 for 0.9, 0.65 for 0.8.
Unrelated photos (cosine 0.2) share each band with probability 0.003, so among 100,000 images a
partition has about 300 entries.
"""

MAX_DIFFERING_BITS = 10
"""The maximum number of bits in which the hashes of near-duplicates differ. Unrelated hashes differ
in 32 ± 4 bits (mean and standard deviation of 64 fair coins), so about one unrelated pair in ten
million is within it.
"""

MIN_COSINE = 0.75
"""The lowest cosine of similar images, measured with the local network. Of 105 pairs of photos with
different subjects, the highest cosine is 0.66 (portraits in dark suits). Of 120 pairs of a photo
and an edited copy (smaller, compressed, grey, mirrored, turned, cropped by a fifth of its sides),
the lowest is 0.78. docs/accuracy.md has the measurements. The cosines of Titan were not measured.
"""


class Kind(StrEnum):
    """The kind of similarity."""

    NEAR_DUPLICATE = "near-duplicate"
    """The same image in another size, compression or exposure: similar hashes."""
    SIMILAR = "similar"
    """An image of similar content, or another crop of the same image: similar embeddings."""


@dataclass(frozen=True)
class Match:
    """A similar image. ``score`` is from 0 to 1; 1 is an equal hash or an equal direction."""

    image: str
    kind: Kind
    score: float


def features_of(run: Run) -> Features:
    """The features of the run's image, as far as they are known."""
    return Features(
        fingerprint=run.resized.fingerprint if run.resized else None,
        embedding=run.analyzed.embedding if run.analyzed else None,
    )


def hash_bands(fingerprint: Fingerprint) -> tuple[str, ...]:
    """The four bands of the hash, of four hex digits each; near-duplicates usually share one."""
    digits = HASH_BAND // 4
    return tuple(fingerprint.hash[n : n + digits] for n in range(0, HASH_BITS // 4, digits))


def embedding_bands(embedding: Embedding) -> tuple[str, ...]:
    """The ten bands of the embedding, of three hex digits each: its sides of ten planes."""
    numbers = _numbers(embedding)
    sides = "".join("01"[_dot(numbers, plane) > 0] for plane in _planes(len(numbers)))
    bands = (sides[n : n + EMBEDDING_BAND] for n in range(0, len(sides), EMBEDDING_BAND))
    return tuple(f"{int(band, 2):03x}" for band in bands)


def ranked(features: Features, others: Mapping[str, Features]) -> list[Match]:
    """The similar images: near-duplicates first, then by descending score.

    Equal matches are in the order of their ids, so the result is deterministic.
    """
    matches = [m for image, other in others.items() if (m := _match(features, image, other))]
    return sorted(matches, key=lambda m: (m.kind is not Kind.NEAR_DUPLICATE, -m.score, m.image))


def _match(features: Features, image: str, other: Features) -> Match | None:
    differing = distance(features.fingerprint, other.fingerprint)
    if differing <= MAX_DIFFERING_BITS:
        return Match(image, Kind.NEAR_DUPLICATE, 1 - differing / HASH_BITS)
    score = cosine(features.embedding, other.embedding)
    return Match(image, Kind.SIMILAR, score) if score >= MIN_COSINE else None


def distance(one: Fingerprint | None, other: Fingerprint | None) -> int:
    """The number of bits in which the hashes differ; 64 if one is missing."""
    if one is None or other is None:
        return HASH_BITS
    return (int(one.hash, 16) ^ int(other.hash, 16)).bit_count()


def cosine(one: Embedding | None, other: Embedding | None) -> float:
    """The cosine of the angle between two embeddings, at least 0; 0 if their models differ."""
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
    """Random planes through 0. They never change: a digest defines them, not a random generator,
    whose numbers may differ in another version of Python.
    """
    return tuple(_plane(n, dimensions) for n in range(EMBEDDING_BANDS * EMBEDDING_BAND))


def _plane(n: int, dimensions: int) -> tuple[int, ...]:
    stream = shake_256(f"plane {n}".encode()).digest(dimensions)
    return tuple(1 if byte & 1 else -1 for byte in stream)
