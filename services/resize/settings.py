"""The settings of ``resize`` and their defaults."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from services.resize.logic import ANALYSIS, Format, Limits, MetadataPolicy, Spec
from services.resize.pictures.values import Fill, Position, Watermark
from services.resize.pictures.watermark import missing_glyphs, read_image
from shared.config import ServiceSettings

MB = 1_000_000
WATERMARKS = Path(__file__).parent / "watermarks"
SPEC = re.compile(
    r"(?P<name>[\w-]+):(?P<width>\d+)(?:x(?P<height>\d+))?(?::(?P<fill>fit|cover))?"
    r"(?::(?P<format>[a-z]+)(?::(?P<quality>\d+))?)?",
    re.ASCII | re.IGNORECASE,
)
FORMATS = ", ".join(Format).lower()
SYNTAX = "name:side[:fit|cover][:format[:quality]]; a side is 256 or 800x600"
"""One rendition as text. Its name becomes part of a key."""


def read_specs(text: object) -> object:
    """Renditions as specs, such as ``thumbnail:256 web:2048:webp:80 square:512:cover``."""
    if not isinstance(text, str):
        return text
    return tuple(_read_spec(word) for word in text.split())


def _read_spec(text: str) -> Spec:
    read = SPEC.fullmatch(text)
    if not read:
        raise ValueError(f"{text!r} is not {SYNTAX}")
    form = (read["format"] or Format.AUTO).upper()
    if form not in list(Format):
        raise ValueError(f"{text!r}: there is no format {read['format']}, only {FORMATS}")
    return Spec(
        read["name"],
        int(read["width"]),
        Format(form),
        int(read["quality"] or 82),
        int(read["height"]) if read["height"] else None,
        Fill((read["fill"] or Fill.FIT).lower()),
    )


def read_names(text: object) -> object:
    """``web preview`` as a tuple of names."""
    return tuple(text.split()) if isinstance(text, str) else text


def _watermark_file(name: str) -> bytes:
    if Path(name).name != name:
        raise ValueError("it must be a file name without folders")
    return (WATERMARKS / name).read_bytes()


class ResizeSettings(ServiceSettings):
    """The buckets, the renditions, their watermark, and the limits of an upload."""

    uploads_bucket: str
    processed_bucket: str
    renditions: Annotated[tuple[Spec, ...], BeforeValidator(read_specs)] = (
        Spec("thumbnail", 256),
        Spec("preview", 1024),
        Spec("web", 2048),
    )
    watermark_text: str = Field(default="", max_length=100)
    watermark_image: str = ""
    """A PNG in ``services/resize/watermarks``, which is deployed with the code."""
    watermark_position: Position = Position.BOTTOM_RIGHT
    watermark_opacity: float = Field(default=0.5, gt=0, le=1)
    watermark_share: float = Field(default=0.25, gt=0, le=1)
    """The largest part of a rendition's width, and of its height, that the watermark takes."""
    watermark_min_side: int = Field(default=400, ge=1)
    """Pixels. A rendition whose shorter side is below it has no watermark."""
    watermark_renditions: Annotated[tuple[str, ...], BeforeValidator(read_names)] = ()
    """The names of the renditions that have the watermark; none: all of them."""
    max_memory: int = Field(default=1_200_000_000, gt=0)
    """Bytes that decoding may take; about two thirds of the function's memory."""
    max_bytes: int = Field(default=50 * MB, gt=0)
    max_pixels: int = Field(default=120_000_000, gt=0)
    max_seconds: float = Field(default=8, gt=0)
    """Of decoding in a child process. Less than the function's ``worst_case``."""
    animation: Literal["still", "keep"] = "still"
    """``keep``: the renditions of an animation are animated WebPs, within the limits."""
    max_animation_pixels: int = Field(default=60_000_000, gt=0)
    """Frames times pixels. 60 MP take about 5 s of the function's time."""
    metadata: MetadataPolicy = MetadataPolicy.STRIP
    """Of renditions: ``strip`` for none, ``copyright`` for artist, copyright and credit line."""

    @field_validator("renditions")
    @classmethod
    def _names_are_unique(cls, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        names = [spec.name for spec in (*specs, ANALYSIS)]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise ValueError(f"every rendition needs a name of its own, not {', '.join(repeated)}")
        return specs

    @field_validator("watermark_text")
    @classmethod
    def _text_can_be_drawn(cls, text: str) -> str:
        if text and (missing := missing_glyphs(text)):
            raise ValueError(f"the font has no {missing!r}: use WATERMARK_IMAGE instead")
        return text.strip()

    @field_validator("watermark_image")
    @classmethod
    def _image_can_be_read(cls, name: str, info: ValidationInfo) -> str:
        if name and info.data.get("watermark_text"):
            raise ValueError("a watermark is a text or an image, not both")
        if name:
            try:
                read_image(_watermark_file(name))
            except (OSError, SyntaxError, ValueError) as error:
                raise ValueError(f"cannot read {name!r} in {WATERMARKS.name}/: {error}") from error
        return name

    @field_validator("watermark_renditions")
    @classmethod
    def _renditions_exist(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "renditions" not in info.data:  # invalid, which is reported already
            return names
        existing = [spec.name for spec in info.data["renditions"]]
        if unknown := [name for name in names if name not in existing]:
            raise ValueError(f"there is no rendition {unknown[0]!r}, only {', '.join(existing)}")
        return names

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The renditions with their watermarks, animated if the settings ask for it.

        The picture for the analysis never has a watermark.
        """
        specs = tuple(replace(spec, animated=self.animation == "keep") for spec in self.renditions)
        if not self.watermark_text and not self.watermark_image:
            return specs
        watermark = Watermark(
            text=self.watermark_text,
            image=_watermark_file(self.watermark_image) if self.watermark_image else b"",
            position=self.watermark_position,
            opacity=self.watermark_opacity,
            share=self.watermark_share,
            min_side=self.watermark_min_side,
        )
        marked = self.watermark_renditions or [spec.name for spec in self.renditions]
        return tuple(
            replace(spec, watermark=watermark) if spec.name in marked else spec for spec in specs
        )

    @property
    def limits(self) -> Limits:
        return Limits(
            bytes=self.max_bytes,
            pixels=self.max_pixels,
            memory=self.max_memory,
            seconds=self.max_seconds,
            animation_pixels=self.max_animation_pixels,
        )
