"""One picture: our result beside Chromium's, and the difference between them."""

import io
from dataclasses import dataclass
from functools import cached_property

from PIL import Image, ImageChops, ImageStat

from services.resize.logic import Refusal
from services.resize.pictures.geometry import fit
from services.resize.pictures.values import Size
from tests.lab.corpus.chromium import Shown
from tests.lab.corpus.ours import FAILED, Ours

COMPARED_SIDE = 64
"""Pixels. Both are reduced to it, so that the filters of the two resizers do not count."""


@dataclass(frozen=True)
class Difference:
    """The mean and the largest absolute difference of red, green and blue, from 0 to 255."""

    mean: tuple[float, ...]
    largest: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """A picture of the corpus. ``shown`` is None without a rendering by Chromium."""

    name: str
    ours: Ours
    shown: Shown | None

    @property
    def refused(self) -> bool:
        return bool(self.ours.code)

    @property
    def in_chromium(self) -> str:
        """``shown``, ``not shown``, or empty without a comparison."""
        if self.shown is None:
            return ""
        return "shown" if self.shown.size else "not shown"

    @property
    def sizes(self) -> str:
        """Our size; with Chromium's if that is another one."""
        ours = _text(self.ours.size)
        return f"{ours}, Chromium {_text(self.shown.size)}" if self.is_other_size else ours

    @property
    def is_other_size(self) -> bool:
        return bool(
            self.shown and self.shown.size and self.ours.size and self.shown.size != self.ours.size
        )

    @cached_property
    def difference(self) -> Difference | None:
        """None unless both show the picture."""
        if self.refused or not (self.shown and self.shown.look):
            return None
        return difference(on_white(self.ours.thumbnail), self.shown.look)

    @property
    def badness(self) -> tuple[bool, float]:
        """The order of the differences: another size first, then by the mean of a channel."""
        return self.is_other_size, max(self.difference.mean) if self.difference else 0.0

    def fault(self, tolerance: float) -> str:
        """What is wrong with our result, or nothing. ``tolerance``: levels of the mean."""
        if self.ours.code == FAILED:
            return self.ours.sentence
        if self.ours.code == Refusal.CORRUPT.code and self.in_chromium == "shown":
            return "refused as corrupt, but Chromium shows it"
        if self.is_other_size:
            return "another size than in Chromium"
        if self.difference and max(self.difference.mean) > tolerance:
            return "other colours than in Chromium"
        return ""


def difference(one: Image.Image, other: Image.Image) -> Difference:
    """The difference of two RGB pictures, after reducing both to the same small size."""
    size = fit(Size(*one.size), COMPARED_SIDE)
    reduced = [picture.resize(size, Image.Resampling.BOX) for picture in (one, other)]
    statistics = ImageStat.Stat(ImageChops.difference(*reduced))
    return Difference(
        tuple(round(mean, 1) for mean in statistics.mean),
        tuple(high for _, high in statistics.extrema),
    )


def on_white(body: bytes) -> Image.Image:
    """The picture of this file as RGB on white."""
    picture = Image.open(io.BytesIO(body)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _text(size: Size | None) -> str:
    return f"{size.width}x{size.height}" if size else ""
