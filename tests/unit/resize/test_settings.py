"""The settings of resize, and the errors of invalid values."""

import pytest

from services.resize.logic import Format, Spec
from services.resize.settings import ResizeSettings
from shared.config import Misconfigured
from tests.unit.shared.test_config import COMPLETE

ENOUGH = COMPLETE | {"UPLOADS_BUCKET": "uploads", "PROCESSED_BUCKET": "processed"}


def read(**variables: str) -> ResizeSettings:
    return ResizeSettings.read(ENOUGH | variables)


def test_the_default_is_three_renditions() -> None:
    assert read().renditions == (
        Spec("thumbnail", 256),
        Spec("preview", 1024),
        Spec("web", 2048),
    )


def test_limits_are_read_or_have_defaults() -> None:
    assert (read().limits.bytes, read().limits.pixels) == (50_000_000, 100_000_000)
    limits = read(MAX_BYTES="1000", MAX_PIXELS="2000", MAX_MEMORY="3000").limits
    assert (limits.bytes, limits.pixels, limits.memory) == (1000, 2000, 3000)


def test_a_rendition_has_a_name_a_side_and_optionally_format_and_quality() -> None:
    assert read(RENDITIONS="small:64 web:2048:webp big:4096:avif:60").renditions == (
        Spec("small", 64),
        Spec("web", 2048, Format.WEBP),
        Spec("big", 4096, Format.AVIF, 60),
    )


@pytest.mark.parametrize(
    "words",
    [
        "thumbnail",
        "thumbnail:big",
        "thumbnail:0",
        "thumbnail:256:bmp",
        "thumbnail:256:jpeg:101",
        "thumbnail:256:jpeg:high",
        "thumbnail:256:jpeg:80:more",
        "../thumbnail:256",
        "same:10 same:20",
    ],
)
def test_an_invalid_rendition_is_refused_by_name(words: str) -> None:
    with pytest.raises(Misconfigured, match=r"^RENDITIONS: "):
        read(RENDITIONS=words)


@pytest.mark.parametrize("words", ["thumbnail", "thumbnail:big", "thumbnail:256:jpeg:80:more"])
def test_the_error_of_an_invalid_rendition_shows_the_syntax(words: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read(RENDITIONS=f"web:2048 {words}")
    assert f"{words!r} is not name:side[:format[:quality]]" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"), [("MAX_BYTES", "0"), ("MAX_PIXELS", "-1"), ("MAX_MEMORY", "plenty")]
)
def test_a_bad_limit_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: "):
        read(**{name: value})


@pytest.mark.parametrize("name", ["UPLOADS_BUCKET", "PROCESSED_BUCKET"])
def test_both_buckets_are_required(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: Field required$"):
        ResizeSettings.read({key: value for key, value in ENOUGH.items() if key != name})


def test_renditions_are_stills_unless_animations_are_wanted() -> None:
    assert not any(spec.animated for spec in read().specs)
    animated = read(ANIMATION="keep", MAX_ANIMATION_PIXELS="9")
    assert all(spec.animated for spec in animated.specs)
    assert [spec.name for spec in animated.specs] == ["thumbnail", "preview", "web"]
    assert animated.limits.animation_pixels == 9


def test_an_unknown_kind_of_animation_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"^ANIMATION: "):
        read(ANIMATION="gif")
