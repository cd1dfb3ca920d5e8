"""Splits lines into words and selects words. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from infra.rekognition.coordinates import Point, Polygon, area, around, overlap
from infra.rekognition.text_recognizer import Character

MAX_WORDS: Final = 100  # Rekognition's limit for an image
# Two lines are in the same row if the vertical distance of their middles, as a ratio of the smaller
# line's height, is below this.
SAME_ROW: Final = 0.5


@dataclass(frozen=True)
class Word:
    """A word, its probability, and its corners clockwise from the start of the text."""

    text: str
    score: float
    outline: Polygon


@dataclass(frozen=True)
class Line:
    """A line and its words. The score is the mean over its characters."""

    text: str
    score: float
    outline: Polygon
    words: tuple[Word, ...]


@dataclass(frozen=True)
class WordFilter:
    """The least probability of a word, and its least sides as ratios of the picture's."""

    score: float
    height: float
    width: float

    def accepts(self, word: Word) -> bool:
        box = around(word.outline)
        return word.score >= self.score and box.height >= self.height and box.width >= self.width


def compose(outline: Polygon, characters: Sequence[Character]) -> Line:
    """A line, split into words at its spaces."""
    words = tuple(
        Word(_text(group), _mean(group), _part(outline, *_extent(group, characters)))
        for space, group in _groups(characters)
        if not space
    )
    return Line(" ".join(word.text for word in words), _mean(characters), outline, words)


def choose(
    lines: Iterable[Line], word_filter: WordFilter, regions: Sequence[Polygon]
) -> list[Line]:
    """The lines with the words that pass the filter and the regions, at most 100 words.

    Lines without such a word are left out. A line's text and outline do not change if some of its
    words are left out.
    """
    chosen: list[Line] = []
    remaining = MAX_WORDS
    for line in lines:
        accepted = (
            word for word in line.words if word_filter.accepts(word) and _in_any(word, regions)
        )
        words = tuple(accepted)[:remaining]
        remaining -= len(words)
        if words:
            chosen.append(Line(line.text, line.score, line.outline, words))
        if not remaining:
            break  # `lines` is lazy: the other lines are not recognized
    return chosen


def in_reading_order(outlines: Iterable[Polygon]) -> list[Polygon]:
    """The outlines by rows from the top, and in each row from the left."""
    rows: list[list[Polygon]] = []
    for outline in sorted(outlines, key=_middle):
        if rows and _same_row(rows[-1][-1], outline):
            rows[-1].append(outline)
        else:
            rows.append([outline])
    return [
        outline for row in rows for outline in sorted(row, key=lambda outline: around(outline).left)
    ]


def _groups(characters: Sequence[Character]) -> list[tuple[bool, list[Character]]]:
    grouped = groupby(characters, key=lambda character: character.text.isspace())
    return [(space, list(group)) for space, group in grouped]


def _text(characters: Iterable[Character]) -> str:
    return "".join(character.text for character in characters)


def _mean(characters: Sequence[Character]) -> float:
    return sum(character.score for character in characters) / max(1, len(characters))


def _extent(word: Sequence[Character], line: Sequence[Character]) -> tuple[float, float]:
    """A word's start and end as ratios of its line: half a character beyond its outer middles."""
    half = (line[-1].middle - line[0].middle) / max(1, len(line) - 1) / 2 or line[0].middle
    return max(0.0, word[0].middle - half), min(1.0, word[-1].middle + half)


def _part(outline: Polygon, start: float, end: float) -> Polygon:
    """The part of a line's outline between two ratios of its length."""
    a, b, c, d = outline
    return _between(a, b, start), _between(a, b, end), _between(d, c, end), _between(d, c, start)


def _between(start: Point, end: Point, share: float) -> Point:
    return Point(start.x + share * (end.x - start.x), start.y + share * (end.y - start.y))


def _in_any(word: Word, regions: Sequence[Polygon]) -> bool:
    """Whether more than half of the word is in one region; true without regions."""
    whole = area(word.outline)
    inside = (overlap(region, word.outline) > whole / 2 for region in regions)
    return not regions or any(inside)


def _middle(outline: Polygon) -> float:
    return sum(point.y for point in outline) / len(outline)


def _same_row(first: Polygon, second: Polygon) -> bool:
    height = min(around(first).height, around(second).height)
    return abs(_middle(first) - _middle(second)) < SAME_ROW * height
