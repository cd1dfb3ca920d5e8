"""The retry policy: which errors are retried, after how long, and what counts as an attempt."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Fault, Overtaken, PermanentError, Throttled, TransientError
from shared.retries import LONGEST_WAIT, THROTTLED_FOR, GiveUp, Retry, after, backoff, spread

DOWN = TransientError("unavailable", "down")
SLOW = Throttled("throttled", "slow down")
LATE = Overtaken("overtaken", "late")
OURS = ZeroDivisionError("oops")
GONE = PermanentError("gone", "no such key")

attempts = st.integers(1, 100_000)
salts = st.text()
ages = st.floats(-3, 30 * 24 * 3600)  # clocks differ by up to 3 s


def decide(error: Exception, **changed: Any) -> Retry | GiveUp:
    arguments: dict[str, Any] = {"attempts": 1, "max_attempts": 5, "age": 1.0, "salt": "m1"}
    return after(error, **(arguments | changed))


@given(st.sampled_from([DOWN, SLOW, LATE, OURS]), attempts, ages, salts)
def test_a_wait_is_positive_and_at_most_the_longest(
    error: Exception, count: int, age: float, salt: str
) -> None:
    decision = decide(error, attempts=count, max_attempts=count + 1, age=age, salt=salt)
    assert isinstance(decision, Retry)
    assert 0 < decision.seconds <= LONGEST_WAIT


@given(st.sampled_from([DOWN, SLOW, LATE, OURS, GONE]), attempts, ages, salts)
def test_the_decision_is_deterministic(error: Exception, count: int, age: float, salt: str) -> None:
    arguments = {"attempts": count, "max_attempts": 5, "age": age, "salt": salt}
    assert decide(error, **arguments) == decide(error, **arguments)


@given(attempts, st.floats(-3, THROTTLED_FOR, exclude_max=True))
def test_throttling_never_counts_as_an_attempt(count: int, age: float) -> None:
    decision = decide(SLOW, attempts=count, age=age)
    assert isinstance(decision, Retry)
    assert not decision.counts_as_attempt


def test_throttling_ends_by_age() -> None:
    decision = decide(SLOW, attempts=5, age=THROTTLED_FOR)
    assert decision == GiveUp("throttled", "slow down", Fault.DEPENDENCY)


@pytest.mark.parametrize(("age", "ends"), [(6 * 3600 - 1, False), (6 * 3600, True)])
def test_throttling_is_retried_for_six_hours(age: float, ends: bool) -> None:
    assert isinstance(decide(SLOW, attempts=5, age=age), GiveUp) is ends


def test_the_wait_of_a_throttled_message_grows_with_its_age() -> None:
    waits = [decide(SLOW, age=age) for age in (0, 60, 600, 1700)]
    assert waits == sorted(waits, key=lambda wait: wait.seconds)
    assert waits[0].seconds < waits[-1].seconds


@given(attempts)
def test_an_overtaken_write_never_counts_as_an_attempt(count: int) -> None:
    decision = decide(LATE, attempts=count)
    assert isinstance(decision, Retry)
    assert not decision.counts_as_attempt


@pytest.mark.parametrize("error", [DOWN, OURS], ids=["expected", "unexpected"])
def test_a_failed_attempt_is_retried_up_to_max_attempts(error: Exception) -> None:
    decisions = [decide(error, attempts=n, max_attempts=3) for n in (1, 2, 3, 4)]
    assert [isinstance(d, GiveUp) for d in decisions] == [False, False, True, True]
    assert all(d.counts_as_attempt for d in decisions if isinstance(d, Retry))


def test_a_permanent_error_gives_up_at_once() -> None:
    assert decide(GONE) == GiveUp("gone", "no such key", Fault.CLIENT)


def test_a_transient_error_is_the_fault_of_a_dependency() -> None:
    assert decide(DOWN, attempts=5) == GiveUp("unavailable", "down", Fault.DEPENDENCY)


def test_an_unexpected_error_is_an_internal_fault() -> None:
    given_up = GiveUp("internal-error", "ZeroDivisionError: oops", Fault.INTERNAL)
    assert decide(OURS, attempts=5) == given_up


@given(st.integers(-5, 100_000), salts)
def test_backoff_is_bounded_for_any_count(count: int, salt: str) -> None:
    assert 1 <= backoff(count, salt) <= LONGEST_WAIT


def test_backoff_grows_by_a_factor_of_four() -> None:
    for count, whole in enumerate([2, 8, 32, 128, 512, 900, 900], start=1):
        assert whole / 2 <= backoff(count, "m1") <= whole


def test_messages_that_failed_together_have_different_waits() -> None:
    waits = {round(backoff(3, f"m{n}"), 1) for n in range(100)}
    assert len(waits) > 50


@given(st.floats(0, 1e6), salts, attempts)
def test_jitter_removes_at_most_half_of_a_wait(seconds: float, salt: str, count: int) -> None:
    assert seconds / 2 <= spread(seconds, salt, count) <= seconds


@pytest.mark.parametrize(
    ("error", "age", "attempts", "decision"),
    [
        (LATE, 0, 3, Retry(spread(5, "m1", 3), counts_as_attempt=False)),
        (SLOW, 0, 3, Retry(spread(30, "m1", 3), counts_as_attempt=False)),
        (SLOW, 100, 2, Retry(spread(80, "m1", 2), counts_as_attempt=False)),
        (SLOW, 9000, 2, Retry(spread(900, "m1", 2), counts_as_attempt=False)),
        (DOWN, 100, 3, Retry(backoff(3, "m1"), counts_as_attempt=True)),
    ],
)
def test_each_kind_of_error_has_its_own_wait(
    error: Exception, age: float, attempts: int, decision: Retry
) -> None:
    assert decide(error, age=age, attempts=attempts) == decision


@pytest.mark.parametrize(("attempts", "whole"), [(1, 2), (2, 8), (5, 512), (6, 900), (99, 900)])
def test_a_backoff_has_the_jitter_of_its_message_and_attempt(attempts: int, whole: float) -> None:
    assert backoff(attempts, "m1") == spread(whole, "m1", attempts)


def test_the_longest_wait_is_a_quarter_of_an_hour() -> None:
    assert LONGEST_WAIT == 15 * 60
