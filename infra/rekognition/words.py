"""From characters on lines to words with places: pure, as is all that chooses among them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from infra.rekognition.coordinates import Point, Polygon, area, around, overlap
from infra.rekognition.text_reader import Character

MOST_WORDS: Final = 100  # Rekognition's limit for an image
# Lines whose middles are closer than this, in ratios of the lower one's height, stand side by side.
SAME_ROW: Final = 0.5


@dataclass(frozen=True)
class Word:
    """A probability, and the corners clockwise from where the text begins."""

    text: str
    score: float
    place: Polygon


@dataclass(frozen=True)
class Line:
    """Its words, and what they say together; the score is the mean over its characters."""

    text: str
    score: float
    place: Polygon
    words: tuple[Word, ...]


@dataclass(frozen=True)
class WordFilter:
    """What a word must have: a probability, and sides in ratios of the picture's."""

    score: float
    height: float
    width: float

    def takes(self, word: Word) -> bool:
        box = around(word.place)
        return word.score >= self.score and box.height >= self.height and box.width >= self.width


def compose(place: Polygon, characters: Sequence[Character]) -> Line:
    """A line, its words parted where there are spaces."""
    words = tuple(
        Word(_text(group), _mean(group), _part(place, *_extent(group, characters)))
        for space, group in _groups(characters)
        if not space
    )
    return Line(" ".join(word.text for word in words), _mean(characters), place, words)


def choose(lines: Iterable[Line], wanted: WordFilter, regions: Sequence[Polygon]) -> list[Line]:
    """Of each line the words that pass; a line without any is left out, as is all past the limit.

    A line keeps its own text and place whichever of its words are left.
    """
    chosen: list[Line] = []
    left = MOST_WORDS
    for line in lines:
        passed = (word for word in line.words if wanted.takes(word) and _in_any(word, regions))
        words = tuple(passed)[:left]
        left -= len(words)
        if words:
            chosen.append(Line(line.text, line.score, line.place, words))
        if not left:
            break  # the lines to come are not even read
    return chosen


def in_reading_order(places: Iterable[Polygon]) -> list[Polygon]:
    """Rows from the top, and each row from the left."""
    rows: list[list[Polygon]] = []
    for place in sorted(places, key=_middle):
        if rows and _same_row(rows[-1][-1], place):
            rows[-1].append(place)
        else:
            rows.append([place])
    return [place for row in rows for place in sorted(row, key=lambda each: around(each).left)]


def _groups(characters: Sequence[Character]) -> list[tuple[bool, list[Character]]]:
    grouped = groupby(characters, key=lambda character: character.text.isspace())
    return [(space, list(group)) for space, group in grouped]


def _text(characters: Iterable[Character]) -> str:
    return "".join(character.text for character in characters)


def _mean(characters: Sequence[Character]) -> float:
    return sum(character.score for character in characters) / max(1, len(characters))


def _extent(word: Sequence[Character], line: Sequence[Character]) -> tuple[float, float]:
    """Where a word begins and ends along its line: half a character beyond its outer middles."""
    half = (line[-1].middle - line[0].middle) / max(1, len(line) - 1) / 2 or line[0].middle
    return max(0.0, word[0].middle - half), min(1.0, word[-1].middle + half)


def _part(place: Polygon, begin: float, end: float) -> Polygon:
    """Of a line's place the part between two ratios of its length."""
    a, b, c, d = place
    return _between(a, b, begin), _between(a, b, end), _between(d, c, end), _between(d, c, begin)


def _between(start: Point, end: Point, share: float) -> Point:
    return Point(start.x + share * (end.x - start.x), start.y + share * (end.y - start.y))


def _in_any(word: Word, regions: Sequence[Polygon]) -> bool:
    """In no region where none is given; else more than half of it in one of them."""
    whole = area(word.place)
    inside = (overlap(region, word.place) > whole / 2 for region in regions)
    return not regions or any(inside)


def _middle(place: Polygon) -> float:
    return sum(point.y for point in place) / len(place)


def _same_row(one: Polygon, other: Polygon) -> bool:
    lower = min(around(one).height, around(other).height)
    return abs(_middle(one) - _middle(other)) < SAME_ROW * lower
