"""Darkroom's own picture work, as ``resize`` calls it."""

from services.resize.logic import Format, Limits, Spec, develop
from tests.lab.bench.profile import SIDES

LIMITS = Limits(seconds=60)
"""The time of a child is by the clock, and a machine that others use gives it less."""


def work(original: bytes, form: str) -> list[bytes]:
    developed = develop(original, specs(form), LIMITS)
    return [one.body for one in (*developed.renditions, developed.analysis)]


def specs(form: str) -> list[Spec]:
    return [Spec(str(side), side, Format(form)) for side in SIDES]
