"""A picture's difference from Chromium's rendering, and what counts as a fault."""

import pytest
from PIL import Image

from services.resize.pictures.values import Size
from tests.lab.corpus.chromium import Shown
from tests.lab.corpus.ours import FAILED, Ours
from tests.lab.corpus.row import Row, difference, on_white
from tests.pictures import encoded, hole, photo

SIZE = Size(120, 80)


def row(*, ours="red", shown="red", size=SIZE, shown_size=SIZE):
    thumbnail = encoded(Image.new("RGB", size, ours), "PNG")
    look = Image.new("RGB", shown_size, shown)
    return Row("a.png", Ours("PNG", size, thumbnail), Shown(shown_size, look))


def refused(code, *, shown):
    looks = Shown(SIZE, Image.new("RGB", SIZE)) if shown else Shown()
    return Row("a.png", Ours("PNG", code=code, sentence="Broken."), looks)


def test_equal_pictures_have_no_difference():
    assert difference(photo(120, 80), photo(120, 80)).mean == (0, 0, 0)


def test_the_difference_is_measured_in_each_channel():
    measured = row(ours=(255, 100, 0), shown=(250, 100, 30)).difference
    assert measured.mean == (5, 0, 30)
    assert measured.largest == (5, 0, 30)


def test_a_difference_in_a_part_has_a_mean_and_a_largest_value():
    half = Image.new("RGB", (64, 64), "white")
    half.paste("black", (0, 0, 32, 64))
    measured = difference(Image.new("RGB", (64, 64), "white"), half)
    assert measured.mean == pytest.approx((127.5,) * 3)
    assert measured.largest == (255,) * 3


def test_the_sharpness_of_a_resizer_does_not_count():
    big = photo(1024, 768)
    sharp = big.resize((256, 192), Image.Resampling.LANCZOS)
    soft = big.resize((256, 192), Image.Resampling.BILINEAR)
    assert max(difference(sharp, soft).mean) < 1


def test_transparent_pixels_are_compared_on_white():
    shown = on_white(encoded(hole(), "PNG"))
    assert [shown.getpixel((x, 40)) for x in (10, 110)] == [(255, 255, 255), (255, 0, 0)]


def test_a_picture_that_looks_the_same_has_no_fault():
    assert row().fault(10) == ""


def test_other_colours_are_a_fault_above_the_tolerance():
    other = row(ours=(255, 0, 0), shown=(235, 0, 0))
    assert other.fault(20) == ""
    assert other.fault(19.9) == "other colours than in Chromium"


def test_a_turned_picture_is_a_fault_with_both_sizes():
    turned = row(size=Size(80, 120))
    assert turned.fault(10) == "another size than in Chromium"
    assert turned.sizes == "80x120, Chromium 120x80"


@pytest.mark.parametrize(
    ("code", "shown", "fault"),
    [
        ("corrupt", True, "refused as corrupt, but Chromium shows it"),
        ("corrupt", False, ""),
        ("truncated", True, ""),
        (FAILED, False, "Broken."),
    ],
)
def test_a_refusal_is_a_fault_if_chromium_shows_what_we_call_corrupt(code, shown, fault):
    assert refused(code, shown=shown).fault(10) == fault


def test_without_chromium_there_is_no_comparison():
    alone = Row("a.png", Ours("PNG", SIZE, encoded(hole(), "PNG")), None)
    assert (alone.difference, alone.in_chromium, alone.fault(0)) == (None, "", "")
