"""Characters to words, words to an answer: without any model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.rekognition.coordinates import Box, Point, area, around, overlap
from infra.rekognition.text_reader import Character
from infra.rekognition.words import Line, Word, WordFilter, choose, compose, in_reading_order

ANY = WordFilter(score=0.0, height=0.0, width=0.0)
HALF = Box(0.0, 0.0, 0.5, 1.0).corners


def characters(text, score=0.9):
    step = 1 / len(text)
    return [Character(each, score, step * (at + 0.5)) for at, each in enumerate(text)]


def line(text, left=0.0, top=0.0, width=1.0):
    return compose(Box(left, top, width, 0.1).corners, characters(text))


def words(lines):
    return [word.text for each in lines for word in each.words]


def test_a_line_is_parted_at_its_spaces():
    found = line("two  words")

    assert (found.text, [word.text for word in found.words]) == ("two words", ["two", "words"])


def test_a_word_has_its_part_of_the_line():
    one, two = line("ab cdefg").words

    assert around(one.place).right == pytest.approx(2 / 8)
    assert around(two.place).left == pytest.approx(3 / 8)


def test_a_line_without_a_character_has_no_word_and_is_left_out():
    empty = compose(HALF, [])

    assert empty == Line("", 0.0, HALF, ())
    assert choose([empty], ANY, []) == []


def test_a_words_score_is_the_mean_of_its_characters():
    found = compose(HALF, [Character("a", 0.5, 0.2), Character("b", 1.0, 0.6)])

    assert found.words[0].score == found.score == 0.75


def test_no_more_than_a_hundred_words_are_told():
    chosen = choose([line("a b c")] * 34, ANY, [])

    assert len(words(chosen)) == 100
    assert words(chosen[-1:]) == ["a"]


def test_past_the_limit_no_line_is_read():
    def lines():
        yield from [line("a b c d")] * 25
        pytest.fail("the twenty-sixth line was read")

    assert len(words(choose(lines(), ANY, []))) == 100


def test_a_word_counts_to_a_region_with_more_than_half_of_it():
    most, least = line("most", left=0.2, width=0.5), line("least", left=0.35, width=0.5)

    assert words(choose([most, least], ANY, [HALF])) == ["most"]


def test_a_word_that_two_regions_share_is_in_none():
    left, right = Box(0.0, 0.0, 0.5, 1.0).corners, Box(0.5, 0.0, 0.5, 1.0).corners

    assert choose([line("middle")], ANY, [left, right]) == []


def test_lines_are_read_row_by_row_also_where_one_sits_a_bit_higher():
    left, right = Box(0.0, 0.12, 0.4, 0.1).corners, Box(0.5, 0.10, 0.4, 0.1).corners
    below = Box(0.0, 0.3, 0.4, 0.1).corners

    assert in_reading_order([below, right, left]) == [left, right, below]


@pytest.mark.parametrize(("score", "kept"), [(0.9, True), (0.91, False)])
def test_the_least_score_is_included(score, kept):
    word = Word("a", 0.9, HALF)

    assert WordFilter(score, height=0.0, width=0.0).takes(word) is kept


ratios = st.floats(0, 1, allow_nan=False)
boxes = st.builds(Box, ratios, ratios, ratios, ratios)


@given(boxes, boxes)
def test_what_two_boxes_share_is_as_large_as_arithmetic_says(one, other):
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)

    shared = overlap(one.corners, other.corners)

    assert shared == pytest.approx(max(0.0, width) * max(0.0, height), abs=1e-9)


def test_a_bent_region_is_cut_right():
    bent = [Point(0, 0), Point(1, 0), Point(1, 1), Point(0.5, 0.5), Point(0, 1)]

    assert area(bent) == pytest.approx(0.75)
    assert overlap(bent, Box(0, 0.5, 1, 0.5).corners) == pytest.approx(0.25)
