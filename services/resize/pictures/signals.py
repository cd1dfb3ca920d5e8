"""Reads colours that a file describes by numbers. Most photos need none of the modules for it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.resize.pictures.colour_signals import ColourSignal

FORMATS = frozenset({"PNG", "AVIF", "HEIC"})
"""The formats that describe colours by numbers. In others, only an ICC profile may do so."""

TAG = b"cicp"
"""ICC's name for a tag with the numbers (ICC.1:2022, 9.2.17)."""


def load_signals() -> "Callable[[str, bytes, bytes | None], ColourSignal | None]":
    """The reader. It is loaded before a fork, because a child must not import modules."""
    from services.resize.pictures import colour_signals  # noqa: PLC0415 - saves 3 ms of a cold start

    return colour_signals.read


def read_signal(kind: str, original: bytes, profile: bytes | None) -> "ColourSignal | None":
    """The colour space that replaces the ICC profile, or None if the profile or sRGB applies."""
    if kind in FORMATS or (profile and TAG in profile):
        return load_signals()(kind, original, profile)
    return None
