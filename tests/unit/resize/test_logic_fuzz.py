"""Whatever the bytes: renditions, or a refusal with a known code, and never anything else."""

from functools import cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.resize.logic import Limits, Refusal, Spec, develop
from services.resize.pictures.header import OPENERS
from shared.errors import PermanentError
from tests.pictures import encoded, exif, photo, rgb_profile

pytestmark = pytest.mark.slow

CODES = {refusal.code for refusal in Refusal}
LIMITS = Limits(pixels=2_000_000)
TRIES = settings(deadline=None, max_examples=48, suppress_health_check=[HealthCheck.too_slow])
"""No deadline: a decoder takes as long as it takes, and that is not what is tested here."""

EDITS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=8)), max_size=6)
"""Where, as a share of the file, and what is written there; nothing cuts the file off."""


@cache
def seed(form):
    metadata = exif(orientation=6, make="Maker", at="2024:05:01 12:30:45", located=True)
    return encoded(photo(96, 64), form, exif=metadata, icc_profile=rgb_profile())


def mutated(whole, edits):
    body = bytearray(whole)
    for share, written in edits:
        at = int(share * len(body))
        body[at : at + len(written)] = written
    return bytes(body)


def survive(original):
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
        survive(mutated(seed(form), edits))

    check()


@pytest.mark.parametrize("form", OPENERS)
def test_a_damaged_header_is_developed_or_refused(form):
    @TRIES
    @given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
    def check(at, written):
        whole = seed(form)
        survive(whole[:at] + written + whole[at + len(written) :])

    check()


@TRIES
@given(st.sampled_from([seed(form)[:16] for form in OPENERS]), st.binary(max_size=200))
def test_any_bytes_after_a_true_beginning_are_developed_or_refused(beginning, rest):
    survive(beginning + rest)


@TRIES
@given(st.binary(max_size=100))
def test_any_bytes_at_all_are_developed_or_refused(content):
    survive(content)
