"""The settings of resize, and the errors of invalid values."""

from pathlib import Path

import pytest
from PIL import Image

from services.resize import handler, settings
from services.resize.logic import Format, MetadataPolicy, Spec
from services.resize.pictures.values import Fill, Position, Watermark
from services.resize.settings import ResizeSettings
from shared.config import Misconfigured
from tests.pictures import corners, encoded, exif_of
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
    assert (read().limits.bytes, read().limits.pixels) == (50_000_000, 120_000_000)
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
        "thumbnail:256x",
        "thumbnail:256x0:cover",
        "thumbnail:256x256x256",
        "thumbnail:10001x256",
        "thumbnail:256x10001",
        "thumbnail:256:cover:fit",
        "thumbnail:256:webp:cover",
        "thumbnail:256:stretch",
        "../thumbnail:256",
        "same:10 same:20",
    ],
)
def test_an_invalid_rendition_is_refused_by_name(words: str) -> None:
    with pytest.raises(Misconfigured, match=r"^RENDITIONS: "):
        read(RENDITIONS=words)


def test_a_rendition_may_cover_a_box() -> None:
    text = "square:512:cover wide:1200x630:cover:webp:75 card:800x600 tall:300x900:FIT:PNG"
    assert read(RENDITIONS=text).renditions == (
        Spec("square", 512, fill=Fill.COVER),
        Spec("wide", 1200, Format.WEBP, 75, height=630, fill=Fill.COVER),
        Spec("card", 800, height=600),
        Spec("tall", 300, Format.PNG, height=900),
    )


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("thumbnail:256:bmp", "there is no format bmp, only auto, jpeg, webp, png, avif"),
        ("thumbnail:256:stretch", "there is no format stretch"),
        ("thumbnail:10001x5:cover", "thumbnail: a side is 1 to 10,000 pixels, not 10,001"),
        ("thumbnail:5x0", "thumbnail: a side is 1 to 10,000 pixels, not 0"),
    ],
)
def test_the_error_of_an_invalid_rendition_says_what_is_wrong(words: str, error: str) -> None:
    with pytest.raises(Misconfigured, match=f"^RENDITIONS: .*{error}") as refused:
        read(RENDITIONS=words)
    assert "; " not in str(refused.value)


def test_invalid_renditions_with_a_watermark_are_one_error() -> None:
    with pytest.raises(Misconfigured, match=r"^RENDITIONS: [^;]*; a side is 256 or 800x600$"):
        read(RENDITIONS="web", WATERMARK_TEXT="x", WATERMARK_RENDITIONS="web")


@pytest.mark.parametrize("words", ["thumbnail", "thumbnail:big", "thumbnail:256:jpeg:80:more"])
def test_the_error_of_an_invalid_rendition_shows_the_syntax(words: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read(RENDITIONS=f"web:2048 {words}")
    assert f"{words!r} is not name:side[:fit|cover][:format[:quality]]" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"), [("MAX_BYTES", "0"), ("MAX_PIXELS", "-1"), ("MAX_MEMORY", "plenty")]
)
def test_a_bad_limit_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: "):
        read(**{name: value})


def test_renditions_have_no_metadata_by_default() -> None:
    assert read().metadata is MetadataPolicy.STRIP
    assert read(METADATA="copyright").metadata is MetadataPolicy.COPYRIGHT


def test_another_policy_of_metadata_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match=r"^METADATA: .*'strip' or 'copyright'"):
        read(METADATA="all")


def test_the_policy_of_metadata_reaches_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ENOUGH | {"METADATA": "copyright"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "client", lambda _: None)
    monkeypatch.setattr(handler, "routes", lambda steps: steps)
    monkeypatch.setattr(handler, "service_on_aws", lambda _, steps: steps)
    steps = handler.service.__wrapped__()
    original = encoded(corners(), "JPEG", exif=exif_of({0x013B: b"Artist"}))
    (made, *_) = steps.develop(original, steps.specs, steps.limits).renditions
    assert b"Artist" in made.body


@pytest.mark.parametrize("name", ["UPLOADS_BUCKET", "PROCESSED_BUCKET"])
def test_both_buckets_are_required(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: Field required$"):
        ResizeSettings.read({key: value for key, value in ENOUGH.items() if key != name})


def test_by_default_no_rendition_has_a_watermark() -> None:
    assert read().specs == read().renditions


def test_every_rendition_has_the_watermark() -> None:
    text = read(WATERMARK_TEXT="© Ann").specs
    assert [spec.watermark for spec in text] == [Watermark(text="© Ann")] * 3


def test_named_renditions_have_the_watermark_as_it_is_set() -> None:
    thumbnail, preview, web = read(
        WATERMARK_TEXT="© Ann",
        WATERMARK_POSITION="top-left",
        WATERMARK_OPACITY="0.8",
        WATERMARK_SHARE="0.5",
        WATERMARK_MIN_SIDE="10",
        WATERMARK_RENDITIONS="web preview",
    ).specs
    assert thumbnail.watermark is None
    assert preview.watermark == web.watermark
    assert web.watermark == Watermark("© Ann", b"", Position.TOP_LEFT, 0.8, 0.5, 10)


@pytest.fixture
def watermarks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of watermarks, with ``logo.png``, one that is too large and one that is none."""
    monkeypatch.setattr(settings, "WATERMARKS", tmp_path)
    Image.new("RGBA", (20, 10), "red").save(tmp_path / "logo.png")
    Image.new("L", (2001, 1)).save(tmp_path / "large.png")
    (tmp_path / "text.png").write_text("no picture")
    return tmp_path


def test_a_watermark_may_be_an_image(watermarks: Path) -> None:
    logo = Watermark(image=(watermarks / "logo.png").read_bytes())
    assert {spec.watermark for spec in read(WATERMARK_IMAGE="logo.png").specs} == {logo}


@pytest.mark.parametrize(
    ("variables", "error"),
    [
        ({"WATERMARK_TEXT": "Müller"}, "WATERMARK_TEXT: .* has no 'ü': use WATERMARK_IMAGE"),
        ({"WATERMARK_TEXT": "x" * 101}, "WATERMARK_TEXT: "),
        ({"WATERMARK_TEXT": "x", "WATERMARK_IMAGE": "logo.png"}, "WATERMARK_IMAGE: .*not both"),
        ({"WATERMARK_IMAGE": "none.png"}, "WATERMARK_IMAGE: .*cannot read 'none.png'"),
        ({"WATERMARK_IMAGE": "../logo.png"}, "WATERMARK_IMAGE: .*without folders"),
        ({"WATERMARK_IMAGE": "large.png"}, "WATERMARK_IMAGE: .*more than 2,000 pixels"),
        ({"WATERMARK_IMAGE": "text.png"}, "WATERMARK_IMAGE: .*cannot read 'text.png'"),
        ({"WATERMARK_POSITION": "middle"}, "WATERMARK_POSITION: "),
        ({"WATERMARK_OPACITY": "0"}, "WATERMARK_OPACITY: "),
        ({"WATERMARK_SHARE": "1.1"}, "WATERMARK_SHARE: "),
        ({"WATERMARK_MIN_SIDE": "0"}, "WATERMARK_MIN_SIDE: "),
        (
            {"WATERMARK_RENDITIONS": "web big"},
            "WATERMARK_RENDITIONS: .*no rendition 'big', only thumbnail, preview, web",
        ),
    ],
)
@pytest.mark.usefixtures("watermarks")
def test_a_bad_watermark_is_named(variables: dict[str, str], error: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{error}"):
        read(**variables)


def test_renditions_are_stills_unless_animations_are_wanted() -> None:
    assert not any(spec.animated for spec in read().specs)
    animated = read(ANIMATION="keep", MAX_ANIMATION_PIXELS="9")
    assert all(spec.animated for spec in animated.specs)
    assert [spec.name for spec in animated.specs] == ["thumbnail", "preview", "web"]
    assert animated.limits.animation_pixels == 9


def test_an_unknown_kind_of_animation_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"^ANIMATION: "):
        read(ANIMATION="gif")
