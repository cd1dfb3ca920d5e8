"""Animations: what moves, which frame is the still, and animated renditions like in browsers.

The colours of composed frames are those of Chromium 156.
"""

import os
import struct
from dataclasses import replace
from itertools import pairwise

import pytest
from PIL import Image

from services.resize.logic import Format, Limits, Spec, develop
from services.resize.pictures.animation import Content, content_of, may_move, motion_of
from services.resize.pictures.plain import is_plain
from tests.animations import CLEAR, Area, apng, gif, saved, webp
from tests.picture_cases import picture_case
from tests.pictures import BLUE, GREEN, RED, close, encoded, hole, opened, photo, unlikeness

SPECS = (Spec("thumbnail", 32), Spec("web", 2048))
ANIMATED = tuple(replace(spec, animated=True) for spec in SPECS)
PATIENT = Limits(seconds=60)

SIZE = (64, 64)
WHOLE = (0, 0, 64, 64)
LEFT_TOP, RIGHT_BOTTOM = (0, 0, 32, 32), (32, 32, 32, 32)
INSIDE_LEFT_TOP, INSIDE_RIGHT_BOTTOM, INSIDE_REST = (16, 16), (48, 48), (48, 16)
R, G, B, HALF_BLUE = ((*RED, 255), (*GREEN, 255), (*BLUE, 255), (*BLUE, 128))
NOTHING = (0, 0, 0, 0)

FRAMES = [photo(64, 64, seed) for seed in (1, 2, 3)]
DELAYS = [200, 50, 330]


def saved_as(form):
    options = {"quality": 90} if form in {"AVIF", "WEBP"} else {}
    return saved(form, FRAMES, DELAYS, **options)


def keep(original, *specs, limits=PATIENT):
    return develop(original, specs or ANIMATED, limits)


def still(original, limits=PATIENT):
    """The still as RGBA."""
    made = develop(original, [Spec("one", 64, Format.PNG)], limits)
    return opened(made.renditions[0].body).convert("RGBA")


def frames(rendition):
    """The frames as RGBA, and their delays."""
    picture = opened(rendition.body)
    shown, delays = [], []
    for number in range(picture.n_frames):
        picture.seek(number)
        picture.load()
        shown.append(picture.convert("RGBA"))
        delays.append(picture.info["duration"])
    return shown, delays


def colours(original):
    """Of each frame of the animated rendition: the colours at three points."""
    shown, _ = frames(keep(original).renditions[1])
    points = INSIDE_LEFT_TOP, INSIDE_RIGHT_BOTTOM, INSIDE_REST
    return [[_visible(frame.getpixel(point)) for point in points] for frame in shown]


def _visible(colour):
    return colour if colour[3] else NOTHING


def alike(frames_colours, expected):
    return all(
        close(colour, wanted, by=20)
        for shown, frame in zip(frames_colours, expected, strict=True)
        for colour, wanted in zip(shown, frame, strict=True)
    )


def transparent(picture, alpha):
    """The picture with this transparency."""
    return Image.merge("RGBA", (*picture.split(), alpha.resize(picture.size)))


# What moves


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "AVIF"])
def test_frames_and_duration_of_every_container_are_in_the_details(form):
    details = develop(saved_as(form), SPECS, PATIENT).details
    assert (details.animated, details.frames, details.duration) == (True, 3, 0.58)
    assert details.warnings == ()


@pytest.mark.parametrize(
    "original",
    [
        encoded(photo(64, 64), "GIF"),
        gif(SIZE, Area(R, WHOLE)),
        apng(SIZE, Area(R, WHOLE)),
        apng(SIZE, Area(R, WHOLE), default=G),
        webp(SIZE, Area(R, WHOLE)),
        encoded(photo(64, 64), "PNG"),
        encoded(photo(64, 64), "JPEG"),
        encoded(photo(64, 64), "TIFF", save_all=True, append_images=[photo(64, 64, 2)]),
    ],
    ids=["GIF", "GIF, loop", "APNG", "APNG, default", "WebP", "PNG", "JPEG", "TIFF of two pages"],
)
def test_a_single_frame_is_no_animation(original):
    made = keep(original)
    assert (made.details.animated, made.details.frames, made.details.duration) == (False, 1, None)
    assert not getattr(opened(made.renditions[0].body), "is_animated", False)


def test_the_handed_animations_move():
    for name in ("webp_anim.webp", "gif_first_frame_blank.gif"):
        assert develop(picture_case(name).original, SPECS, PATIENT).details.animated


@pytest.mark.parametrize("make", [gif, apng, webp])
def test_a_delay_of_at_most_10_ms_counts_as_100_ms_as_in_browsers(make):
    areas = [Area(c, WHOLE, delay) for c, delay in ((R, 0), (G, 10), (B, 20))]
    made = keep(make(SIZE, *areas))
    assert made.details.duration == 0.22
    assert frames(made.renditions[1])[1] == [100, 100, 20]


def test_a_sequence_in_heic_is_counted_but_stays_a_still():
    made = keep(heic_sequence())
    assert (made.details.animated, made.details.frames, made.details.duration) == (True, 3, 0.58)
    assert made.details.warnings == ("animation-not-decodable",)
    assert made.renditions[0].format == "JPEG"


def test_a_heic_with_a_still_as_its_major_brand_is_no_animation():
    original = heic_sequence().replace(b"ftyphevc", b"ftypheic")
    assert not develop(original, SPECS, PATIENT).details.animated


def test_a_table_of_times_with_impossible_frames_is_no_animation():
    original = heic_sequence()
    at = original.index(b"stts") + 12
    assert motion_of("HEIC", original).frames == 3
    assert not motion_of("HEIC", original[:at] + b"\xff" * 4 + original[at + 4 :]).moves


@pytest.mark.parametrize("name", [b"moov", b"mdia", b"hdlr", b"mdhd", b"stts"])
def test_a_sequence_without_times_is_no_animation(name):
    assert not motion_of("HEIC", heic_sequence().replace(name, b"free")).moves


def heic_sequence():
    """A HEIC whose major brand is of a sequence, with the tables of an AVIF's sequence."""
    picture, sequence = encoded(photo(64, 64), "HEIC"), saved_as("AVIF")
    tables = sequence[sequence.index(b"moov") - 4 : sequence.index(b"mdat") - 4]
    return picture[:8] + b"hevc" + picture[12:] + tables


# The still


@pytest.mark.parametrize("make", [gif, apng, webp])
@pytest.mark.parametrize("blank", [R, CLEAR], ids=["one colour", "transparent"])
def test_the_still_is_the_first_frame_that_shows_something(make, blank):
    original = make(SIZE, Area(blank, WHOLE), Area(blank, WHOLE), Area(G, LEFT_TOP), Area(B, WHOLE))
    shown = still(original)
    assert shown.getpixel(INSIDE_LEFT_TOP) == G
    assert _visible(shown.getpixel(INSIDE_RIGHT_BOTTOM)) == (blank if blank is R else NOTHING)


def test_blank_frames_of_an_avif_are_skipped():
    blank = Image.new("RGB", SIZE, RED)
    original = saved("AVIF", [blank, FRAMES[0], FRAMES[1]], DELAYS, quality=90)
    assert content_of(still(original).convert("RGB")) is Content.COLOURS


def test_the_handed_gif_with_a_transparent_first_frame_shows_its_second():
    assert still(picture_case("gif_first_frame_blank.gif").original).getpixel((30, 20)) == R


@pytest.mark.parametrize("make", [gif, apng, webp])
def test_a_frame_of_one_colour_is_a_still_if_all_others_are_transparent(make):
    original = make(SIZE, Area(CLEAR, WHOLE), Area(R, WHOLE), Area(G, WHOLE))
    assert still(original).getpixel((9, 9)) == R


@pytest.mark.parametrize("make", [gif, apng, webp])
def test_the_still_of_an_animation_without_content_is_its_first_frame(make):
    assert still(make(SIZE, Area(R, WHOLE), Area(G, WHOLE))).getpixel((9, 9)) == R


def test_the_search_for_a_still_is_bounded():
    original = gif(SIZE, *[Area(R, WHOLE)] * 3, Area(G, LEFT_TOP))
    few = replace(PATIENT, animation_pixels=30_000)  # a small frame counts as 10,000 pixels
    assert still(original, few).getpixel(INSIDE_LEFT_TOP) == R
    assert still(original).getpixel(INSIDE_LEFT_TOP) == G


def test_the_still_of_an_apng_is_not_its_default_picture():
    shown = still(apng(SIZE, Area(R, LEFT_TOP), Area(G, WHOLE), default=B))
    assert shown.getpixel(INSIDE_LEFT_TOP) == R
    assert shown.getpixel(INSIDE_RIGHT_BOTTOM)[3] == 0


@pytest.mark.parametrize("more", [(), (Area(G, RIGHT_BOTTOM),)], ids=["one frame", "two frames"])
def test_a_gif_is_transparent_where_it_has_no_pixels(more):
    shown = still(gif(SIZE, Area(R, LEFT_TOP), *more))
    assert shown.getpixel(INSIDE_LEFT_TOP) == R
    assert shown.getpixel(INSIDE_RIGHT_BOTTOM)[3] == 0


@pytest.mark.parametrize(
    ("picture", "shown"),
    [
        (Image.new("RGB", SIZE, RED), Content.ONE_COLOUR),
        (Image.new("L", SIZE, 9), Content.ONE_COLOUR),
        (Image.new("RGBA", SIZE, (9, 9, 9, 99)), Content.ONE_COLOUR),
        (Image.effect_noise(SIZE, 1), Content.ONE_COLOUR),
        (Image.effect_noise(SIZE, 60), Content.COLOURS),
        (hole(), Content.COLOURS),
        (transparent(photo(64, 64), Image.new("L", SIZE)), Content.NOTHING),
        (transparent(Image.new("RGB", SIZE, "white"), Image.linear_gradient("L")), Content.COLOURS),
    ],
    ids=["RGB", "grey", "veil", "faint noise", "noise", "hole", "hidden colours", "white shape"],
)
def test_transparent_and_uniform_pictures_are_recognized(picture, shown):
    assert content_of(picture) is shown


# Animated renditions


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animated_rendition_has_the_frames_of_the_original(form):
    made = keep(saved_as(form))
    for rendition, side in zip(made.renditions, (32, 64), strict=True):
        assert (rendition.format, rendition.content_type) == ("WEBP", "image/webp")
        shown, delays = frames(rendition)
        assert (rendition.width, shown[0].size) == (side, (side, side))
        assert delays == DELAYS
        for frame, original in zip(shown, FRAMES, strict=True):
            small = original.resize((8, 8), Image.Resampling.BOX)
            seen = frame.convert("RGB").resize((8, 8), Image.Resampling.BOX)
            assert unlikeness(small, seen) < 9


@pytest.mark.parametrize(
    ("original", "plays"),
    [
        (gif(SIZE, Area(R, WHOLE), Area(G, WHOLE), repetitions=None), 1),
        (gif(SIZE, Area(R, WHOLE), Area(G, WHOLE), repetitions=0), 0),
        (gif(SIZE, Area(R, WHOLE), Area(G, WHOLE), repetitions=3), 4),
        (apng(SIZE, Area(R, WHOLE), Area(G, WHOLE), plays=3), 3),
        (webp(SIZE, Area(R, WHOLE), Area(G, WHOLE), plays=3), 3),
        (saved_as("AVIF"), 0),
    ],
    ids=["GIF once", "GIF forever", "GIF and 3 repetitions", "APNG", "WebP", "AVIF forever"],
)
def test_an_animated_rendition_plays_as_often_as_the_original(original, plays):
    assert opened(keep(original).renditions[1].body).info["loop"] == plays


def test_an_avif_that_plays_once_has_no_repetitions():
    original = saved_as("AVIF")
    at = original.index(b"elst") + 4
    assert original[at + 3] == 1
    once = original[: at + 3] + b"\0" + original[at + 4 :]
    assert (motion_of("AVIF", original).plays, motion_of("AVIF", once).plays) == (0, 1)


@pytest.mark.parametrize(
    ("disposal", "left_top"),
    [(0, G), (1, G), (2, NOTHING), (3, R), (4, R)],
    ids=["none", "stays", "background", "previous", "previous, written as 4"],
)
def test_disposal_of_a_gif(disposal, left_top):
    original = gif(
        SIZE, Area(R, WHOLE), Area(G, LEFT_TOP, disposal=disposal), Area(B, RIGHT_BOTTOM)
    )
    assert alike(colours(original), [[R, R, R], [G, R, R], [left_top, B, R]])


def test_a_gif_frame_without_disposal_does_not_repeat_an_earlier_one():
    original = gif(
        SIZE,
        Area(R, WHOLE, disposal=1),
        Area(G, LEFT_TOP, disposal=2),
        Area(G, LEFT_TOP),
        Area(B, RIGHT_BOTTOM),
    )
    assert alike(colours(original)[-1:], [[G, B, R]])


@pytest.mark.parametrize(("disposal", "left_top"), [(0, G), (1, NOTHING), (2, R)])
def test_disposal_of_an_apng(disposal, left_top):
    original = apng(
        SIZE, Area(R, WHOLE), Area(G, LEFT_TOP, disposal=disposal), Area(B, RIGHT_BOTTOM)
    )
    assert alike(colours(original), [[R, R, R], [G, R, R], [left_top, B, R]])


@pytest.mark.parametrize("make", [apng, webp])
def test_a_translucent_area_is_blended_or_replaces_the_canvas(make):
    original = make(
        SIZE, Area(R, WHOLE), Area(HALF_BLUE, LEFT_TOP), Area(HALF_BLUE, RIGHT_BOTTOM, over=False)
    )
    assert alike(
        colours(original)[1:], [[(127, 0, 128, 255), R, R], [(127, 0, 128, 255), HALF_BLUE, R]]
    )


@pytest.mark.parametrize("make", [gif, apng, webp])
def test_transparency_of_frames_is_retained(make):
    original = make(SIZE, Area(R, LEFT_TOP), Area(CLEAR, WHOLE), Area(G, RIGHT_BOTTOM))
    assert colours(original)[-1][2] == NOTHING
    assert colours(original)[0][1] == NOTHING


def test_an_area_beyond_the_canvas_is_clipped():
    original = gif(SIZE, Area(R, WHOLE), Area(G, (32, 32, 64, 64)), Area(B, (0, 0, 100, 40)))
    assert alike(colours(original), [[R, R, R], [R, G, R], [B, G, B]])


def test_frames_are_turned_upright_and_converted_like_the_still():
    block = Image.Exif()
    block[0x0112] = 6
    tall = [photo(64, 32, seed) for seed in (1, 2)]
    made = keep(saved("WEBP", tall, [100, 100], exif=block.tobytes(), lossless=True))
    shown, _ = frames(made.renditions[1])
    assert [frame.size for frame in shown] == [(32, 64)] * 2
    upright = tall[1].transpose(Image.Transpose.ROTATE_270)
    assert close(shown[1].getpixel((9, 50))[:3], upright.getpixel((9, 50)), by=40)


def test_only_automatic_and_webp_renditions_are_animated():
    specs = [Spec(form.lower(), 64, form, animated=True) for form in Format]
    made = keep(saved_as("GIF"), *specs).renditions
    moving = {r.name for r in made if getattr(opened(r.body), "n_frames", 1) > 1}
    assert moving == {"auto", "webp"}
    assert [r.name for r in made] == [spec.name for spec in specs]


def test_an_animation_stays_a_still_unless_a_rendition_asks_for_it():
    made = develop(saved_as("GIF"), SPECS, PATIENT)
    assert (made.details.animated, {r.format for r in made.renditions}) == (True, {"JPEG"})


def test_analysis_and_fingerprint_are_those_of_the_still():
    one, other = develop(saved_as("WEBP"), SPECS, PATIENT), keep(saved_as("WEBP"))
    assert (one.analysis, one.fingerprint) == (other.analysis, other.fingerprint)
    assert other.analysis.format == "JPEG"


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "AVIF"])
def test_the_same_animation_has_the_same_bytes_twice(form):
    assert keep(saved_as(form)) == keep(saved_as(form))


# Limits and damage


def test_an_animation_with_too_many_pixels_becomes_a_still():
    within = replace(PATIENT, animation_pixels=3 * 3 * 10_000)  # original and two renditions
    assert opened(keep(saved_as("GIF"), limits=within).renditions[1].body).n_frames == 3
    made = keep(saved_as("GIF"), limits=replace(within, animation_pixels=3 * 3 * 10_000 - 1))
    assert {r.format for r in made.renditions} == {"JPEG"}
    assert (made.details.animated, made.details.warnings) == (True, ("animation-too-costly",))


def test_an_animation_that_takes_too_long_becomes_a_still(monkeypatch):
    monkeypatch.setattr("services.resize.pictures.decode.ANIMATION_SHARE", 0)
    made = keep(saved_as("GIF"))
    assert {r.format for r in made.renditions} == {"JPEG"}
    assert made.details.warnings == ("animation-too-costly",)


def test_an_animation_that_exhausts_memory_becomes_a_still(monkeypatch):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr("services.resize.pictures.encode.AnimatedWebP.add", exhausted)
    assert keep(saved_as("GIF")).details.warnings == ("animation-too-costly",)


def test_renditions_of_the_same_size_are_encoded_once_and_have_their_names():
    specs = [Spec(name, side, animated=True) for name, side in (("a", 70), ("b", 80), ("c", 32))]
    cheap = replace(PATIENT, animation_pixels=3 * 3 * 10_000)
    a, b, c = keep(saved_as("GIF"), *specs, limits=cheap).renditions
    assert (a.name, b.name, c.name) == ("a", "b", "c")
    assert a.body == b.body != c.body


def test_an_animation_ends_before_its_first_damaged_frame():
    areas = [Area(colour, WHOLE) for colour in (R, G, B)]
    made = keep(gif(SIZE, *areas)[:-6])
    assert len(frames(made.renditions[1])[0]) == 2
    assert (made.details.frames, made.details.warnings) == (
        3,
        ("missing-end-marker", "damaged-animation"),
    )


def test_an_animation_with_one_sound_frame_becomes_a_still():
    made = keep(gif(SIZE, Area(R, WHOLE), Area(G, WHOLE))[:-6])
    assert {r.format for r in made.renditions} == {"JPEG"}
    assert made.details.warnings == ("missing-end-marker", "damaged-animation")


def test_a_huge_frame_in_a_small_animation_is_not_decoded():
    original = gif(SIZE, Area(R, LEFT_TOP), Area(G, WHOLE))
    huge = struct.pack("<4HB", *WHOLE, 0x80)
    hostile = original.replace(huge, struct.pack("<4HB", 0, 0, 65_535, 65_535, 0x80))
    assert hostile != original
    made = keep(hostile)
    assert made.details.warnings == ("damaged-animation",)


@pytest.mark.slow
def test_a_million_tiny_frames_are_not_all_counted():
    one = gif((8, 8), Area(R, (0, 0, 8, 8)))
    start = one.index(b"!\xf9")
    made = keep(one[:start] + one[start:-1] * 1_000_000 + b";")
    assert made.details.animated
    assert made.details.frames > 50_000
    assert made.details.warnings == ("frames-not-counted", "animation-too-costly")
    assert made.renditions[0].format == "JPEG"


@pytest.mark.slow
@pytest.mark.parametrize("make", [apng, webp])
def test_many_tiny_frames_become_a_still(make):
    made = keep(make((8, 8), *[Area(R, (0, 0, 8, 8))] * 3_001))
    assert (made.details.frames, made.details.warnings) == (3_001, ("animation-too-costly",))


@pytest.mark.slow
def test_an_animation_on_a_huge_canvas_becomes_a_still():
    made = keep(gif((30_000, 2_100), *[Area(R, (0, 0, 8, 8)), Area(G, (0, 0, 8, 8))]))
    assert (made.details.animated, made.details.warnings) == (True, ("animation-too-costly",))


def test_an_animation_of_hours_becomes_a_still():
    original = webp(SIZE, Area(R, WHOLE, delay=2**24 - 1), Area(G, WHOLE, delay=2**24 - 1))
    assert keep(original).details.warnings == ("animation-too-costly",)


@pytest.mark.parametrize("make", [gif, apng, webp])
def test_an_animation_cut_at_any_byte_is_counted_without_an_error(make):
    kind = {gif: "GIF", apng: "PNG", webp: "WEBP"}[make]
    original = make(SIZE, Area(R, WHOLE), Area(G, LEFT_TOP), Area(B, WHOLE))
    counts = [motion_of(kind, original[:end]).frames for end in range(30, len(original) + 1)]
    assert all(one <= other for one, other in pairwise(counts))
    assert counts[-1] == 3


def test_a_damaged_table_of_times_is_no_animation():
    original = saved_as("AVIF")
    for end in range(100, len(original), 7):
        assert motion_of("AVIF", original[:end]).frames in {1, 3}


def test_an_animated_png_is_decoded_in_a_child(monkeypatch):
    parent = os.getpid()
    processes = []
    monkeypatch.setattr(
        "services.resize.pictures.decode.confined",
        lambda work, _: processes.append(os.getpid()) or _run(work),
    )
    develop(saved_as("PNG"), SPECS, PATIENT)
    assert processes == [parent]
    assert not is_plain("PNG", saved_as("PNG"))
    assert not may_move("PNG", encoded(photo(64, 64), "PNG"))


def _run(work):
    return b"".join(work())
