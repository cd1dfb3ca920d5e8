"""The settings of ``resize`` and their defaults."""

import re
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from services.resize.logic import ANALYSIS, Format, Limits, Spec
from shared.config import ServiceSettings

MB = 1_000_000
SPEC = re.compile(
    r"(?P<name>[\w-]+):(?P<side>\d+)(?::(?P<format>[a-z]+)(?::(?P<quality>\d+))?)?",
    re.ASCII | re.IGNORECASE,
)
"""One rendition as text. Its name becomes part of a key."""


def read_specs(text: object) -> object:
    """``thumbnail:256 web:2048:webp:80`` as specs: name, longest side, format, quality."""
    if not isinstance(text, str):
        return text
    return tuple(_read_spec(word) for word in text.split())


def _read_spec(text: str) -> Spec:
    read = SPEC.fullmatch(text)
    if not read:
        raise ValueError(f"{text!r} is not name:side[:format[:quality]]")
    form = Format(read["format"].upper()) if read["format"] else Format.AUTO
    return Spec(read["name"], int(read["side"]), form, int(read["quality"] or 82))


class ResizeSettings(ServiceSettings):
    """The buckets, the renditions, and the limits of an upload."""

    uploads_bucket: str
    processed_bucket: str
    renditions: Annotated[tuple[Spec, ...], BeforeValidator(read_specs)] = (
        Spec("thumbnail", 256),
        Spec("preview", 1024),
        Spec("web", 2048),
    )
    max_memory: int = Field(default=1_200_000_000, gt=0)
    """Bytes that decoding may take; about two thirds of the function's memory."""
    max_bytes: int = Field(default=50 * MB, gt=0)
    max_pixels: int = Field(default=100_000_000, gt=0)
    max_seconds: float = Field(default=8, gt=0)
    """Of decoding in a child process. Less than the function's ``worst_case``."""
    animation: Literal["still", "keep"] = "still"
    """``keep``: the renditions of an animation are animated WebPs, within the limits."""
    max_animation_pixels: int = Field(default=60_000_000, gt=0)
    """Frames times pixels. 60 MP take about 5 s of the function's time."""

    @field_validator("renditions")
    @classmethod
    def _names_are_unique(cls, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        names = [spec.name for spec in (*specs, ANALYSIS)]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise ValueError(f"every rendition needs a name of its own, not {', '.join(repeated)}")
        return specs

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The renditions, animated if the settings ask for it."""
        return tuple(replace(spec, animated=self.animation == "keep") for spec in self.renditions)

    @property
    def limits(self) -> Limits:
        return Limits(
            bytes=self.max_bytes,
            pixels=self.max_pixels,
            memory=self.max_memory,
            seconds=self.max_seconds,
            animation_pixels=self.max_animation_pixels,
        )
