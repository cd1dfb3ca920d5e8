"""Words: splitting lines, filtering words, geometry. No model is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.rekognition.coordinates import Box, Point, area, around, overlap
from infra.rekognition.text_recognizer import Character
from infra.rekognition.words import Line, Word, WordFilter, choose, compose, in_reading_order

ANY = WordFilter(score=0.0, height=0.0, width=0.0)
HALF = Box(0.0, 0.0, 0.5, 1.0).corners


def characters(text, score=0.9):
    step = 1 / len(text)
    return [Character(letter, score, step * (at + 0.5)) for at, letter in enumerate(text)]


def line(text, left=0.0, top=0.0, width=1.0):
    return compose(Box(left, top, width, 0.1).corners, characters(text))


def words(lines):
    return [word.text for line in lines for word in line.words]


def test_a_line_is_split_at_its_spaces():
    split = line("two  words")

    assert (split.text, [word.text for word in split.words]) == ("two words", ["two", "words"])


def test_a_words_outline_is_its_part_of_the_line():
    first, second = line("ab cdefg").words

    assert around(first.outline).right == pytest.approx(2 / 8)
    assert around(second.outline).left == pytest.approx(3 / 8)


def test_a_line_without_characters_is_left_out():
    empty = compose(HALF, [])

    assert empty == Line("", 0.0, HALF, ())
    assert choose([empty], ANY, []) == []


def test_a_words_score_is_the_mean_of_its_characters():
    composed = compose(HALF, [Character("a", 0.5, 0.2), Character("b", 1.0, 0.6)])

    assert composed.words[0].score == composed.score == 0.75


def test_at_most_a_hundred_words_are_returned():
    lines = choose([line("a b c")] * 34, ANY, [])

    assert len(words(lines)) == 100
    assert words(lines[-1:]) == ["a"]


def test_no_line_is_read_beyond_the_limit():
    def lines():
        yield from [line("a b c d")] * 25
        pytest.fail("the twenty-sixth line was read")

    assert len(words(choose(lines(), ANY, []))) == 100


def test_a_word_is_in_a_region_that_covers_more_than_half_of_it():
    inside, partly = line("inside", left=0.2, width=0.5), line("partly", left=0.35, width=0.5)

    assert words(choose([inside, partly], ANY, [HALF])) == ["inside"]


def test_a_word_halved_by_two_regions_is_in_neither():
    left, right = Box(0.0, 0.0, 0.5, 1.0).corners, Box(0.5, 0.0, 0.5, 1.0).corners

    assert choose([line("middle")], ANY, [left, right]) == []


def test_lines_are_sorted_by_rows_despite_small_vertical_offsets():
    left, right = Box(0.0, 0.12, 0.4, 0.1).corners, Box(0.5, 0.10, 0.4, 0.1).corners
    below = Box(0.0, 0.3, 0.4, 0.1).corners

    assert in_reading_order([below, right, left]) == [left, right, below]


@pytest.mark.parametrize(("score", "accepted"), [(0.9, True), (0.91, False)])
def test_the_minimum_score_is_inclusive(score, accepted):
    word = Word("a", 0.9, HALF)

    assert WordFilter(score, height=0.0, width=0.0).accepts(word) is accepted


ratios = st.floats(0, 1, allow_nan=False)
boxes = st.builds(Box, ratios, ratios, ratios, ratios)


@given(boxes, boxes)
def test_the_overlap_of_two_boxes_has_the_right_area(first, second):
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)

    shared = overlap(first.corners, second.corners)

    assert shared == pytest.approx(max(0.0, width) * max(0.0, height), abs=1e-9)


def test_a_concave_region_is_clipped_correctly():
    concave = [Point(0, 0), Point(1, 0), Point(1, 1), Point(0.5, 0.5), Point(0, 1)]

    assert area(concave) == pytest.approx(0.75)
    assert overlap(concave, Box(0, 0.5, 1, 0.5).corners) == pytest.approx(0.25)
