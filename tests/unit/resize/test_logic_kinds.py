"""Kinds of TIFF and PNG that Pillow alone does not decode have the right colours."""

import struct
import zlib

import pytest

from shared.errors import PermanentError
from tests.pictures import (
    close,
    grey_profile,
    opened,
    png,
    png_chunk,
    rgb_profile,
    swapped_profile,
    tiff,
)

WIDTH, HEIGHT = 120, 80
PIXELS = WIDTH * HEIGHT
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK, CIELAB, ICCLAB = 0, 1, 2, 5, 8, 9
DEFLATE = 8

INKS = (0, 200, 200, 20)
INKS_IN_SRGB = (219, 78, 67)
"""By libvips 8.18, without a profile."""

LINEAR_QUARTER = 137
"""The sRGB value of a quarter of the light."""


@pytest.fixture
def pixel(rendition):
    """The middle pixel of the rendition, as RGBA."""

    def run(original):
        return opened(rendition(original).body).convert("RGBA").getpixel((32, 21))

    return run


def packed(order, code, *samples):
    return struct.pack(f"{order}{len(samples)}{code}", *samples) * PIXELS


def grey(value):
    return (value, value, value, 255)


@pytest.mark.parametrize("order", "<>")
def test_16_bit_grey_of_both_byte_orders(order, pixel):
    original = tiff(packed(order, "H", 100 * 257), [16], BLACK_IS_ZERO, order=order)
    assert close(pixel(original), grey(100), 1)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("bits", "code"), [(8, "B"), (16, "H")])
def test_white_is_zero(order, bits, code, pixel):
    white = 2**bits - 1
    original = tiff(packed(order, code, white * 100 // 255), [bits], WHITE_IS_ZERO, order=order)
    assert close(pixel(original), grey(155), 1)


def test_white_is_zero_in_black_and_white(pixel):
    white = tiff(bytes(WIDTH // 8 * HEIGHT), [1], WHITE_IS_ZERO)
    assert pixel(white) == grey(255)


@pytest.mark.parametrize("order", "<>")
def test_white_is_zero_in_float_grey(order, pixel):
    samples = packed(order, "f", 0.25)
    assert close(pixel(tiff(samples, [32], WHITE_IS_ZERO, order=order, tags={339: [3]})), grey(191))


def test_white_is_zero_in_compressed_16_bit_grey(pixel):
    samples = zlib.compress(packed(">", "H", 100 * 257))
    original = tiff(samples, [16], WHITE_IS_ZERO, order=">", tags={259: [DEFLATE]})
    assert close(pixel(original), grey(155), 1)


def test_12_bit_grey(pixel):
    two = bytes((0x64, 0x06, 0x40))  # 0x640 twice
    assert close(pixel(tiff(two * (PIXELS // 2), [12], BLACK_IS_ZERO)), grey(100), 1)


@pytest.mark.parametrize("order", "<>")
def test_32_bit_grey_is_unsigned(order, pixel):
    samples = struct.pack(f"{order}2L", 0, 2**32 - 1) + packed(order, "L", 2**31)[8:]
    assert close(pixel(tiff(samples, [32], BLACK_IS_ZERO, order=order)), grey(128), 1)


@pytest.mark.parametrize("order", "<>")
def test_compressed_float_grey_of_both_byte_orders(order, pixel):
    samples = zlib.compress(packed(order, "f", 0.25))
    tags = {259: [DEFLATE], 339: [3]}
    assert close(pixel(tiff(samples, [32], BLACK_IS_ZERO, order=order, tags=tags)), grey(64), 1)


@pytest.mark.parametrize("compression", [1, DEFLATE])
@pytest.mark.parametrize("order", "<>")
def test_16_bit_grey_with_alpha(order, compression, pixel):
    samples = packed(order, "H", 100 * 257, 64 * 257)
    stored = samples if compression == 1 else zlib.compress(samples)
    original = tiff(
        stored, [16, 16], BLACK_IS_ZERO, extra=[2], order=order, tags={259: [compression]}
    )
    assert close(pixel(original), (100, 100, 100, 64), 1)


@pytest.mark.parametrize(("bits", "code", "scale"), [(8, "B", 1), (16, "H", 257)])
def test_grey_with_premultiplied_alpha(bits, code, scale, pixel):
    samples = packed("<", code, 50 * scale, 128 * scale)
    original = tiff(samples, [bits] * 2, BLACK_IS_ZERO, extra=[1])
    assert close(pixel(original), (100, 100, 100, 128), 1)


def test_an_unspecified_second_sample_is_not_alpha(pixel):
    samples = packed("<", "H", 100 * 257, 0)
    assert close(pixel(tiff(samples, [16, 16], BLACK_IS_ZERO, extra=[0])), grey(100), 1)


@pytest.mark.parametrize(("bits", "code", "scale"), [(8, "B", 1), (16, "H", 257)])
@pytest.mark.parametrize("order", "<>")
def test_cmyk_with_alpha(order, bits, code, scale, pixel):
    samples = packed(order, code, *(value * scale for value in (*INKS, 128)))
    original = tiff(samples, [bits] * 5, CMYK, extra=[2], order=order)
    assert close(pixel(original), (*INKS_IN_SRGB, 128), 1)


def test_cmyk_with_premultiplied_alpha(pixel):
    samples = packed("<", "B", *(ink // 2 for ink in INKS), 128)
    original = tiff(samples, [8] * 5, CMYK, extra=[1])
    assert close(pixel(original), (*INKS_IN_SRGB, 128), 3)


def test_16_bit_cmyk_with_an_unspecified_sample(pixel):
    samples = packed("<", "H", *(ink * 257 for ink in INKS), 0)
    assert close(pixel(tiff(samples, [16] * 5, CMYK, extra=[0])), (*INKS_IN_SRGB, 255), 1)


def test_compressed_cmyk_with_alpha(pixel):
    samples = zlib.compress(packed("<", "B", *INKS, 128))
    original = tiff(samples, [8] * 5, CMYK, extra=[2], tags={259: [DEFLATE]})
    assert close(pixel(original), (*INKS_IN_SRGB, 128), 1)


def test_compressed_differences_of_cmyk_with_alpha(pixel):
    row = bytes((*INKS, 128)) + bytes(5) * (WIDTH - 1)  # each pixel is like its left neighbour
    samples = zlib.compress(row * HEIGHT)
    original = tiff(samples, [8] * 5, CMYK, extra=[2], tags={259: [DEFLATE], 317: [2]})
    assert close(pixel(original), (*INKS_IN_SRGB, 128), 1)


def test_columns_of_cmyk_with_alpha_stay_in_place(rendition):
    row = bytes((0, 0, 0, 0, 255)) * 60 + bytes((*INKS, 0)) * 59 + bytes((0, 0, 0, 255, 255))
    made = opened(rendition(tiff(row * HEIGHT, [8] * 5, CMYK, extra=[2]), side=WIDTH).body)
    assert [made.getpixel((x, 40))[3] for x in (0, 59, 60, 118, 119)] == [255, 255, 0, 0, 255]
    assert made.getpixel((20, 40)) == (255, 255, 255, 255)
    assert close(made.getpixel((119, 40)), (41, 35, 43, 255), 1)


@pytest.mark.parametrize("order", "<>")
def test_float_rgb_is_linear_light(order, pixel):
    samples = packed(order, "f", 0.25, 1.5, -1.0)
    original = tiff(samples, [32] * 3, RGB, order=order, tags={339: [3, 3, 3]})
    assert close(pixel(original), (LINEAR_QUARTER, 255, 0, 255), 1)


def test_float_rgb_with_alpha(pixel):
    samples = packed("<", "f", 0.25, 1.0, 0.0, 0.25)
    original = tiff(samples, [32] * 4, RGB, extra=[2], tags={339: [3] * 4})
    assert close(pixel(original), (LINEAR_QUARTER, 255, 0, 64), 2)


def test_float_rgb_with_a_profile_has_its_tones(pixel):
    samples = packed("<", "f", 0.5, 0.25, 0.0)
    original = tiff(samples, [32] * 3, RGB, tags={339: [3] * 3}, profile=rgb_profile())
    assert close(pixel(original), (128, 64, 0, 255), 6)


@pytest.mark.parametrize(
    ("photometric", "code", "lab"),
    [
        (CIELAB, "Bbb", (138, 38, 46)),
        (ICCLAB, "BBB", (138, 166, 174)),
        (CIELAB, "Hhh", (138 * 257, 38 * 256, 46 * 256)),
    ],
)
@pytest.mark.parametrize("order", "<>")
def test_cielab(order, photometric, code, lab, pixel):
    bits = struct.calcsize(order + code[0]) * 8
    samples = struct.pack(order + code, *lab) * PIXELS
    assert close(pixel(tiff(samples, [bits] * 3, photometric, order=order)), (200, 100, 50, 255), 3)


def test_cielab_with_alpha(pixel):
    samples = struct.pack("BbbB", 138, 38, 46, 64) * PIXELS
    original = tiff(samples, [8] * 4, CIELAB, extra=[2])
    assert close(pixel(original), (200, 100, 50, 64), 3)


def planes(order, code, *samples):
    """Each sample's plane, in strips of 50 and of 30 rows."""
    return b"".join(struct.pack(f"{order}{code}", sample) * PIXELS for sample in samples)


def strips(planes, size, height=50):
    """The tags of the strips of this many planes, with samples of ``size`` bytes."""
    starts = [(plane, row) for plane in range(planes) for row in range(0, HEIGHT, height)]
    return {
        273: [8 + (plane * HEIGHT + row) * WIDTH * size for plane, row in starts],
        278: [height],
        279: [min(height, HEIGHT - row) * WIDTH * size for _, row in starts],
        284: [2],
    }


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("photometric", "code", "samples", "shown"),
    [
        (RGB, "B", (200, 100, 50), (200, 100, 50, 255)),
        (RGB, "H", (200 * 257, 100 * 257, 50 * 257), (200, 100, 50, 255)),
        (RGB, "H", (200 * 257, 100 * 257, 50 * 257, 64 * 257), (200, 100, 50, 64)),
        (BLACK_IS_ZERO, "B", (100, 64), (100, 100, 100, 64)),
        (BLACK_IS_ZERO, "H", (100 * 257, 64 * 257), (100, 100, 100, 64)),
        (CMYK, "H", [ink * 257 for ink in INKS], (*INKS_IN_SRGB, 255)),
        (CMYK, "B", (*INKS, 128), (*INKS_IN_SRGB, 128)),
        (RGB, "f", (0.25, 1.0, 0.0), (LINEAR_QUARTER, 255, 0, 255)),
    ],
)
def test_samples_in_separate_planes(order, photometric, *, code, samples, shown, pixel):
    size = struct.calcsize(f"{order}{code}")
    tags = strips(len(samples), size) | ({339: [3] * 3} if code == "f" else {})
    extra = [2] if shown[3] < 255 else []
    original = tiff(
        planes(order, code, *samples),
        [size * 8] * len(samples),
        photometric,
        extra=extra,
        order=order,
        tags=tags,
    )
    assert close(pixel(original), shown, 2)


@pytest.mark.parametrize("tags", [{317: [3]}, {259: [7]}], ids=["float differences", "JPEG"])
def test_floats_that_cannot_be_separated_are_refused(tags, rendition):
    samples = packed("<", "f", 0.5, 0.5, 0.5)
    with pytest.raises(PermanentError) as refused:
        rendition(tiff(samples, [32] * 3, RGB, tags={339: [3] * 3, **tags}))
    assert refused.value.reason in {"corrupt", "unsupported-variant"}


def keyed(original, *key):
    """The PNG with a transparent value."""
    chunk = png_chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))
    return original[:33] + chunk + original[33:]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_grey_value_is_transparent_at_every_depth(bits, rendition):
    one = int("".join(f"{1:0{bits}b}" for _ in range(8 // bits)), 2)
    row = bytes([one]) * (64 * bits // 8) + bytes(56 * bits // 8)
    original = png(WIDTH, HEIGHT, bits, 0, [row] * HEIGHT)
    for key, shown in ((1, grey(0)), (0, grey(255 // (2**bits - 1)))):
        made = opened(rendition(keyed(original, key)).body)
        left, right = made.getpixel((5, 20)), made.getpixel((60, 20))
        assert (left[3], right) == (0, shown) if key else (left, right[3]) == (shown, 0)


def test_only_the_exact_16_bit_grey_is_transparent(rendition):
    row = struct.pack(">H", 0x8001) * 60 + struct.pack(">H", 0x8000) * 60
    made = opened(rendition(keyed(png(WIDTH, HEIGHT, 16, 0, [row] * HEIGHT), 0x8000)).body)
    assert close(made.getpixel((5, 20)), grey(128), 1)
    assert made.getpixel((60, 20))[3] == 0


def test_only_the_exact_16_bit_colour_is_transparent(rendition):
    key = (0x6401, 0x3202, 0x0003)
    near = (0x6401, 0x3202, 0x0002)
    row = struct.pack(">3H", *near) * 60 + struct.pack(">3H", *key) * 60
    made = opened(rendition(keyed(png(WIDTH, HEIGHT, 16, 2, [row] * HEIGHT), *key)).body)
    assert close(made.getpixel((5, 20)), (100, 50, 0, 255), 1)
    assert made.getpixel((60, 20))[3] == 0


def test_bits_above_the_depth_of_a_transparent_value_are_ignored(rendition):
    original = png(WIDTH, HEIGHT, 8, 2, [bytes((1, 2, 3)) * WIDTH] * HEIGHT)
    made = opened(rendition(keyed(original, 0x7701, 0x7702, 0x7703)).body)
    assert made.getpixel((30, 20))[3] == 0


def test_the_16_bit_colour_of_an_animation_is_transparent_by_its_high_bytes(rendition):
    row = struct.pack(">3H", 0x6401, 0x3202, 0x0003) * 60 + struct.pack(">3H", 0, 0, 0) * 60
    still = keyed(png(WIDTH, HEIGHT, 16, 2, [row] * HEIGHT), 0x6401, 0x3202, 0x0003)
    frame = struct.pack(">5L2H2B", 0, WIDTH, HEIGHT, 0, 0, 1, 1, 0, 0)
    chunks = png_chunk(b"acTL", struct.pack(">2L", 2, 0)) + png_chunk(b"fcTL", frame)
    made = opened(rendition(still[:33] + chunks + still[33:]).body)
    assert (made.getpixel((5, 20))[3], made.getpixel((60, 20))) == (0, grey(0))


def with_profile(original, profile):
    chunk = png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))
    return original[:33] + chunk + original[33:]


@pytest.mark.parametrize("profile", [grey_profile(1.0), rgb_profile(gamma=1.0)])
@pytest.mark.parametrize(
    ("depth", "colour_type", "samples", "alpha"),
    [
        (8, 0, struct.pack("B", 128), 255),
        (16, 0, struct.pack(">H", 128 * 257), 255),
        (8, 4, struct.pack("2B", 128, 64), 64),
        (16, 4, struct.pack(">2H", 128 * 257, 64 * 257), 64),
        (8, 4, struct.pack("2B", 128, 255), 255),
        (16, 4, struct.pack(">2H", 128 * 257, 65535), 255),
    ],
)
def test_a_profile_is_applied_once_to_every_kind_of_grey(
    depth, colour_type, *, samples, alpha, profile, pixel
):
    original = png(WIDTH, HEIGHT, depth, colour_type, [samples * WIDTH] * HEIGHT)
    assert close(pixel(with_profile(original, profile)), (188, 188, 188, alpha), 1)


def test_a_grey_profile_is_applied_to_grey_with_a_transparent_value(rendition):
    original = png(WIDTH, HEIGHT, 8, 0, [bytes([128]) * 60 + bytes([7]) * 60] * HEIGHT)
    made = opened(rendition(keyed(with_profile(original, grey_profile(1.0)), 7)).body)
    assert close(made.getpixel((5, 20)), grey(188), 1)
    assert made.getpixel((60, 20))[3] == 0


def test_a_profile_is_applied_to_16_bit_colour(pixel):
    row = struct.pack(">3H", 65535, 0, 0) * WIDTH
    original = png(WIDTH, HEIGHT, 16, 2, [row] * HEIGHT)
    assert close(pixel(with_profile(original, swapped_profile())), (0, 255, 0, 255))


def test_an_orientation_applies_to_samples_read_as_grey(rendition):
    row = bytes((0, 0, 0, 0, 255)) * 60 + bytes((0, 0, 0, 255, 255)) * 60
    original = tiff(row * HEIGHT, [8] * 5, CMYK, extra=[2], tags={274: [6]})
    made = opened(rendition(original).body)
    assert made.size == (43, 64)
    top, bottom = made.convert("L").getpixel((20, 5)), made.convert("L").getpixel((20, 60))
    assert close((top, bottom), (255, 37), 3)
