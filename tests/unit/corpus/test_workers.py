"""Parallel calls with a time limit each: none affects another."""

import math
import operator
import os
import time

import pytest

from tests.lab.corpus.workers import Stopped, run

pytestmark = pytest.mark.slow  # each starts processes

LONG = 60
"""s, for a limit that no test reaches."""


def test_every_item_has_its_result() -> None:
    assert dict(run(math.factorial, [3, 1, 4, 2, 5], 2, LONG)) == {
        3: 6,
        1: 1,
        4: 24,
        2: 2,
        5: 120,
    }


def test_no_items_need_no_process() -> None:
    assert list(run(operator.neg, [], 2, LONG)) == []


def test_a_call_beyond_the_time_limit_is_stopped_and_the_others_run_on() -> None:
    results = dict(run(time.sleep, [LONG, 0, 0.01], 1, 0.5))
    assert results == {LONG: Stopped("time limit"), 0: None, 0.01: None}
    assert isinstance(results[LONG], Stopped)


def leave(status: int) -> None:
    """Ends the process. Coverage replaces ``os._exit`` by a function that cannot be pickled."""
    os._exit(status)


def test_a_process_that_ends_is_reported_with_its_status_and_replaced() -> None:
    results = dict(run(leave, [3, 0], 1, LONG))
    assert results == {3: Stopped("exit status 3"), 0: Stopped("exit status 0")}


def test_a_call_that_raises_ends_its_process_only() -> None:
    results = dict(run(math.sqrt, [-1, 9], 1, LONG))
    assert results == {-1: Stopped("exit status 1"), 9: 3.0}


def test_a_stopped_call_ends_the_processes_that_it_started() -> None:
    started = time.monotonic()
    results = dict(run(os.system, [f"sleep {LONG}"], 1, 0.2))
    assert list(results.values()) == [Stopped("time limit")]
    assert time.monotonic() - started < LONG


def test_an_interrupted_run_leaves_no_process() -> None:
    calls = run(time.sleep, [0, LONG], 2, LONG)
    assert next(calls) == (0, None)
    started = time.monotonic()
    calls.close()
    assert time.monotonic() - started < LONG
    with pytest.raises(StopIteration):
        next(calls)
