"""Any bytes give renditions or a refusal with a valid code."""

from functools import cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.resize.logic import Limits, Refusal, Spec, develop
from services.resize.pictures.header import OPENERS
from shared.errors import PermanentError
from tests.pictures import SVG, encoded, exif, photo, rgb_profile

pytestmark = pytest.mark.slow

CODES = {refusal.code for refusal in Refusal}
LIMITS = Limits(pixels=2_000_000)
TRIES = settings(max_examples=48, suppress_health_check=[HealthCheck.too_slow])
"""Without a deadline, because these tests do not measure time."""

EDITS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=8)), max_size=6)
"""Positions as ratios of the file, and the bytes written there."""


@cache
def seed(form):
    if form == "SVG":
        return SVG
    metadata = exif(orientation=6, make="Maker", at="2024:05:01 12:30:45", located=True)
    return encoded(photo(96, 64), form, exif=metadata, icc_profile=rgb_profile())


def mutated(whole, edits):
    body = bytearray(whole)
    for share, written in edits:
        at = int(share * len(body))
        body[at : at + len(written)] = written
    return bytes(body)


def develop_or_refuse(original):
    try:
        made = develop(original, [Spec("one", 32)], LIMITS)
    except PermanentError as error:
        assert error.reason in CODES  # noqa: PT017 - raising is one of two good ends
    else:
        assert max(made.renditions[0].width, made.renditions[0].height) <= 32


@pytest.mark.parametrize("form", OPENERS)
def test_a_mutated_file_is_developed_or_refused(form):
    @TRIES
    @given(EDITS)
    @example([])
    def check(edits):
        develop_or_refuse(mutated(seed(form), edits))

    check()


@pytest.mark.parametrize("form", OPENERS)
def test_a_damaged_header_is_developed_or_refused(form):
    @TRIES
    @given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
    def check(at, written):
        whole = seed(form)
        develop_or_refuse(whole[:at] + written + whole[at + len(written) :])

    check()


@TRIES
@given(st.sampled_from([seed(form)[:16] for form in OPENERS]), st.binary(max_size=200))
def test_any_bytes_after_a_valid_start_are_developed_or_refused(beginning, rest):
    develop_or_refuse(beginning + rest)


@TRIES
@given(st.binary(max_size=100))
def test_any_bytes_are_developed_or_refused(content):
    develop_or_refuse(content)
