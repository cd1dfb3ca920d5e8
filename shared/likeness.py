"""How alike two pictures are, and under which lists those that might be are found. Pure.

Nothing like "the nearest of a million" can be asked of a table. So the bits of a picture are cut
into bands, each a list: what shares one list is compared, and nothing else is read.
"""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import shake_256
from math import sqrt
from operator import mul

from shared.contracts.images import Likeness

HASH_BITS = 64
HASH_BAND = 16
"""Bits. Two hashes that differ in up to three places share one of four bands for certain."""

LOOK_BANDS = 6
LOOK_BAND = 10
"""Bits: a list holds about one picture in 1,024, so some hundred of 100,000."""

CELLS = 16
"""Cells that a look describes: by as many bytes of luma, of two chromas, and of four edges."""

GREY = 128
"""The chroma of what has no colour."""

NEAR = 10
"""Bits that the hashes of near-duplicates differ in, at most: unrelated ones differ in 32, give or
take 4 (a fair coin's standard deviation over 64 throws), so by chance one pair in some ten million.
"""

ALIKE = 0.7
"""The cosine from which looks are called alike. Of 91 pairs of unrelated photos none came above
0.60; of 14 photos without their outer fifth, half kept 0.90 and more.
"""


class Kind(StrEnum):
    """Why two pictures are called similar."""

    NEAR_DUPLICATE = "near-duplicate"
    """The same picture in another size, compression or exposure."""
    LOOK_ALIKE = "look-alike"
    """Another picture with like colours and outlines in like places."""


@dataclass(frozen=True)
class Match:
    """One similar picture; ``score`` is from 0 to 1, and 1 only for what looks just the same."""

    image: str
    kind: Kind
    score: float


def hash_bands(likeness: Likeness) -> tuple[str, ...]:
    """The hash in four pieces of four hex digits; near-duplicates mostly share one."""
    digits = HASH_BAND // 4
    return tuple(likeness.hash[n : n + digits] for n in range(0, HASH_BITS // 4, digits))


def look_bands(likeness: Likeness) -> tuple[str, ...]:
    """On which side of fixed random planes the look lies, ten planes to a band.

    The smaller the angle between two looks, the fewer planes pass between them.
    """
    look = _centred(likeness)
    sides = "".join("01"[_dot(look, plane) > 0] for plane in _planes(len(look)))
    bands = (sides[n : n + LOOK_BAND] for n in range(0, len(sides), LOOK_BAND))
    return tuple(f"{int(band, 2):03x}" for band in bands)


def ranked(likeness: Likeness, others: Mapping[str, Likeness]) -> list[Match]:
    """Those of the other images that are similar: near-duplicates first, then the most alike.

    Of equals, in the order of their ids: the same question has the same answer.
    """
    found = [match for image, other in others.items() if (match := _match(likeness, image, other))]
    return sorted(found, key=lambda m: (m.kind is not Kind.NEAR_DUPLICATE, -m.score, m.image))


def _match(likeness: Likeness, image: str, other: Likeness) -> Match | None:
    differing = distance(likeness, other)
    if differing <= NEAR:
        return Match(image, Kind.NEAR_DUPLICATE, 1 - differing / HASH_BITS)
    score = cosine(likeness, other)
    return Match(image, Kind.LOOK_ALIKE, score) if score >= ALIKE else None


def distance(one: Likeness, other: Likeness) -> int:
    """In how many of 64 places the hashes differ."""
    return (int(one.hash, 16) ^ int(other.hash, 16)).bit_count()


def cosine(one: Likeness, other: Likeness) -> float:
    """Of the angle between two looks, at least 0. What is all one grey looks like nothing else."""
    a, b = _centred(one), _centred(other)
    lengths = sqrt(_dot(a, a) * _dot(b, b))
    return max(0.0, _dot(a, b) / lengths) if lengths else 0.0


def _centred(likeness: Likeness) -> tuple[float, ...]:
    """The look with its middle at 0: luma and edges by their own means, chroma by what is grey."""
    look = b64decode(likeness.look)
    luma, chroma, edges = look[:CELLS], look[CELLS : 3 * CELLS], look[3 * CELLS :]
    return (*_levelled(luma), *(value - GREY for value in chroma), *_levelled(edges))


def _levelled(values: bytes) -> Iterator[float]:
    mean = sum(values) / len(values)
    return (value - mean for value in values)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    total: float = sum(map(mul, one, other))  # 60 for each picture; a loop takes three times longer
    return total


@cache
def _planes(dimensions: int) -> tuple[tuple[int, ...], ...]:
    """Random planes through 0, the same for ever: they come from a digest, not from a generator
    whose numbers another version of Python may draw otherwise.
    """
    return tuple(_plane(n, dimensions) for n in range(LOOK_BANDS * LOOK_BAND))


def _plane(n: int, dimensions: int) -> tuple[int, ...]:
    stream = shake_256(f"plane {n}".encode()).digest(dimensions)
    return tuple(1 if byte & 1 else -1 for byte in stream)
