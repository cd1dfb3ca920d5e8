"""The renditions that every engine creates: the defaults of ``resize``."""

from collections.abc import Mapping
from dataclasses import dataclass

SIDES = 2048, 1024, 256
QUALITY = 82

WEBP_METHOD = 2
"""libwebp's effort, 0 to 6, as in ``resize``."""


@dataclass(frozen=True)
class Rendition:
    """One rendition: at most ``side`` pixels on the longer side."""

    side: int
    form: str
    quality: int = QUALITY

    @property
    def options(self) -> Mapping[str, int]:
        return {"method": WEBP_METHOD} if self.form == "WEBP" else {}


ANALYSIS = Rendition(1600, "JPEG", 85)

RENDITIONS = {
    form: (*(Rendition(side, form) for side in SIDES), ANALYSIS) for form in ("JPEG", "WEBP")
}
"""By the format of the renditions; the picture for analysis is always a JPEG."""
