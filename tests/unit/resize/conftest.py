"""Fixtures of the picture tests: process an original with defaults."""

from collections.abc import Callable, Iterator

import pytest
from PIL.Image import core

from services.resize.logic import Developed, Format, Limits, Rendition, Spec, develop

Develop = Callable[..., Developed]
DevelopOne = Callable[..., Rendition]


@pytest.fixture(autouse=True)
def clear_cache() -> Iterator[None]:
    """Clear Pillow's cache; otherwise every later fork takes 6 ms more for its 256 MB."""
    yield
    core.clear_cache()


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def developed(limits: Limits) -> Develop:
    """``developed(original, *specs)``; without specs, one PNG of at most 64 pixels a side."""

    def run(original: bytes, *specs: Spec) -> Developed:
        return develop(original, specs or (Spec("small", 64, Format.PNG),), limits)

    return run


@pytest.fixture
def rendition(developed: Develop) -> DevelopOne:
    """``rendition(original, side, format, quality)``: the one rendition of that spec."""

    def run(
        original: bytes, side: int = 64, form: Format = Format.PNG, quality: int = 90
    ) -> Rendition:
        return developed(original, Spec("one", side, form, quality)).renditions[0]

    return run
