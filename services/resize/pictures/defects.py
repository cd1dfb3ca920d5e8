"""Defects of a file that no visible pixel suffers from, and the results of a repair."""

from enum import Enum
from typing import NamedTuple


class Defect(Enum):
    """A stable code for the ``warnings`` of an original's details, and a sentence."""

    MISSING_END_MARKER = "missing-end-marker", "The file ends without its format's end marker."
    INCOMPLETE_LAST_PIXEL = "incomplete-last-pixel", "The file ends inside its last pixel."
    BAD_CHECKSUM = "bad-checksum", "A checksum differs from its content."
    OVERSIZED_TEXT = "oversized-text", "A text exceeds a megabyte; it is ignored."
    OVERSIZED_PROFILE = (
        "oversized-profile",
        "The colour profile exceeds a megabyte; it is ignored above 8 MB.",
    )
    DAMAGED_METADATA = "damaged-metadata", "Metadata cannot be read; it is ignored."
    DAMAGED_ANIMATION = "damaged-animation", "Frames cannot be read; they are not shown."

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence


Defects = frozenset[Defect]


def codes(defects: Defects) -> tuple[str, ...]:
    """The codes of the defects, in the order of the class."""
    return tuple(defect.code for defect in Defect if defect in defects)


class Repaired(NamedTuple):
    """A file that Pillow decodes, and the defects that it had.

    ``profile``: a colour profile that Pillow would refuse for its size.
    """

    original: bytes
    defects: Defects = frozenset()
    profile: bytes | None = None


class Truncated(Exception):
    """Visible pixels are missing. ``missing`` says how many: "40 % of its rows are missing"."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing

    @classmethod
    def of(cls, absent: int, total: int, parts: str) -> "Truncated":
        """``absent`` of ``total`` parts are missing; ``parts`` names them."""
        return cls(f"{max(1, round(100 * absent / max(1, total)))} % of its {parts} are missing")
