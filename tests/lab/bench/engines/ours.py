"""Darkroom's renditions, created as ``resize`` does."""

from services.resize.logic import Format, Limits, Spec, develop
from tests.lab.bench.profile import SIDES

LIMITS = Limits(seconds=60)
"""A longer limit: a child's limit is elapsed time, and a busy machine needs more of it."""


def work(original: bytes, form: str) -> list[bytes]:
    developed = develop(original, specs(form), LIMITS)
    return [r.body for r in (*developed.renditions, developed.analysis)]


def specs(form: str) -> list[Spec]:
    return [Spec(str(side), side, Format(form)) for side in SIDES]
